import { describe, expect, it } from 'vitest'
import { basis, newBasis, packedColour } from './harmonics'

/** The basis at points of the sphere, and their weights: Gauss-Legendre in z, equal steps around. */
function sampled(): { weight: number; values: Float64Array }[] {
  const nodes = [0.1834346424956498, 0.525532409916329, 0.7966664774136267, 0.9602898564975363]
  const weights = [0.362683783378362, 0.3137066458778873, 0.2223810344533745, 0.1012285362903763]
  return nodes.flatMap((node, n) =>
    [node, -node].flatMap((z) =>
      Array.from({ length: 16 }, (_, step) => {
        const around = (2 * Math.PI * step) / 16
        const values = newBasis()
        basis(Math.sqrt(1 - z * z) * Math.cos(around), Math.sqrt(1 - z * z) * Math.sin(around), z, values)
        return { weight: (weights[n]! * 2 * Math.PI) / 16, values }
      }),
    ),
  )
}

describe('basis', () => {
  it('is orthonormal on the sphere', () => {
    const points = sampled()
    const product = (i: number, j: number) =>
      points.reduce((sum, { weight, values }) => sum + weight * values[i]! * values[j]!, 0)
    const off = Array.from({ length: 256 }, (_, k) => product(k >> 4, k & 15) - (k >> 4 === (k & 15) ? 1 : 0))
    expect(Math.max(...off.map(Math.abs))).toBeLessThan(1e-9)
  })

  it('does not depend on how far away one is', () => {
    const [near, far] = [newBasis(), newBasis()]
    basis(1, 2, -2, near)
    basis(100, 200, -200, far)
    near.forEach((value, i) => expect(far[i]).toBeCloseTo(value, 12))
  })

  it('has the signs of the first degree that files of Gaussians are written with: −y, z, −x', () => {
    const values = newBasis()
    basis(1, 0, 0, values)
    expect(values[3]).toBeLessThan(0)
    basis(0, 1, 0, values)
    expect(values[1]).toBeLessThan(0)
    basis(0, 0, 1, values)
    expect(values[2]).toBeGreaterThan(0)
  })
})

describe('packedColour', () => {
  it('is grey of one half without coefficients, 10 bits over 0 to 2', () => {
    const packed = packedColour({ harmonics: new Float32Array(3), terms: 1 }, 0, newBasis())
    expect([packed & 1023, (packed >> 10) & 1023, packed >>> 20]).toEqual([256, 256, 256])
  })
})
