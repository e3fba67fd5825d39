import { describe, expect, it } from 'vitest'
import { STRIDE } from './gaussians'
import { growth, importance } from './importance'

/** Opaque Gaussians of these variances along x, and of none along the other axes. */
function of(variances: number[]): Float32Array {
  const geometry = new Float32Array(variances.length * STRIDE)
  variances.forEach((variance, row) => {
    geometry[row * STRIDE + 3] = 1
    geometry[row * STRIDE + 4] = variance
  })
  return geometry
}

describe('importance', () => {
  it('gives each Gaussian a place of its own', () => {
    const { ranks } = importance(of(Array.from({ length: 1000 }, (_, row) => row % 7)))
    expect([...ranks].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, rank) => rank))
  })

  it('spreads the first ones over all that are alike', () => {
    const { ranks } = importance(of(new Array(10_000).fill(1)))
    const early = ranks.subarray(0, 5000).reduce((sum, rank) => sum + (rank < 1000 ? 1 : 0), 0)
    // 1000 drawn from 10 000 without replacement: 500 ± 15 from the first half; five deviations are let pass.
    expect(Math.abs(early - 500)).toBeLessThan(75)
  })

  it('takes what covers nine times as much nine times as often at first', () => {
    const { ranks } = importance(of(Array.from({ length: 20_000 }, (_, row) => (row % 2 ? 9 : 1))))
    const large = ranks.reduce((sum, rank, row) => sum + (rank < 500 && row % 2 ? 1 : 0), 0)
    // 450 ± 7, and a little less as large ones are used up.
    expect(Math.abs(large - 450)).toBeLessThan(35)
  })

  it('has what cannot be seen last', () => {
    const geometry = of([1, 1, 1])
    geometry[3] = 0
    expect(importance(geometry).ranks[0]).toBe(2)
  })
})

describe('growth', () => {
  const four = importance(of([1, 1, 1, 1]))

  it('makes up for what is left out', () => {
    expect(growth(four, 1)).toBe(2)
    expect(growth(four, 4)).toBe(1)
    expect(growth(four, Infinity)).toBe(1)
  })

  it('is none where there is nothing', () => {
    expect(growth(importance(of([])), 8)).toBe(1)
  })
})
