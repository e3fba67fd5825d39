import { describe, expect, it } from 'vitest'
import type { Table } from '../ply'
import { covarianceOf, gaussians } from './gaussians'

const HALF = Math.SQRT1_2

function tableOf(row: Record<string, number>): Table {
  return { count: 1, names: Object.keys(row), values: Float32Array.from(Object.values(row)), comments: [] }
}

const PLAIN = {
  ...{ x: 1, y: 2, z: 3, f_dc_0: 0.1, f_dc_1: 0.2, f_dc_2: 0.3, opacity: 0 },
  ...{ scale_0: 0, scale_1: 0, scale_2: 0, rot_0: 1, rot_1: 0, rot_2: 0, rot_3: 0 },
}

describe('covarianceOf', () => {
  it('has squares of the scales on its diagonal where nothing is turned', () => {
    expect(covarianceOf([2, 0, 0, 0], [1, 2, 3])).toEqual([1, 0, 0, 4, 0, 9])
  })

  it('exchanges x and y in a quarter turn about z', () => {
    const found = covarianceOf([HALF, 0, 0, HALF], [1, 2, 3])
    ;[4, 0, 0, 1, 0, 9].forEach((value, i) => expect(found[i]).toBeCloseTo(value, 12))
  })

  it('leans towards x + y in an eighth of a turn about z', () => {
    const found = covarianceOf([Math.cos(Math.PI / 8), 0, 0, Math.sin(Math.PI / 8)], [3, 1, 1])
    // R diag(9, 1) Rᵀ at 45°: (9 + 1) / 2 on the diagonal, (9 − 1) / 2 beside it.
    ;[5, 4, 0, 5, 0, 1].forEach((value, i) => expect(found[i]).toBeCloseTo(value, 12))
  })
})

describe('gaussians', () => {
  it('are activated', () => {
    const { geometry, reflected } = gaussians(tableOf({ ...PLAIN, scale_1: Math.log(2) }))
    expect([...geometry]).toEqual([1, 2, 3, 0.5, 1, 0, 0, 4, 0, 1, 0, 0])
    expect(reflected).toBeUndefined()
  })

  it('have a reflection where the file has', () => {
    const more = { f_ref_dc_0: 1, f_ref_dc_1: 2, f_ref_dc_2: 3, ref_opacity: Math.log(3), beta: -Math.log(3) }
    const { geometry, reflected } = gaussians(tableOf({ ...PLAIN, ...more }))
    expect([...geometry.slice(10)]).toEqual([0.75, 0.25])
    expect([...reflected!.harmonics]).toEqual([1, 2, 3])
  })

  it('keep red, green and blue of each harmonic together', () => {
    const rest = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`f_rest_${i}`, i]))
    const { transmitted, degree } = gaussians(tableOf({ ...PLAIN, ...rest }))
    expect(degree).toBe(1)
    expect([...transmitted.harmonics.slice(3)]).toEqual([0, 3, 6, 1, 4, 7, 2, 5, 8])
  })

  it('are some', () => {
    expect(() => gaussians({ ...tableOf(PLAIN), count: 0 })).toThrow('no Gaussians')
  })

  it('name a property that is missing', () => {
    const { opacity: _, ...less } = PLAIN
    expect(() => gaussians(tableOf(less))).toThrow('opacity')
  })
})
