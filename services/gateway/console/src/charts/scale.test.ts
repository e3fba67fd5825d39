import { describe, expect, it } from 'vitest'
import { along, scaleOf } from './scale'

describe('scaleOf', () => {
  it.each([
    [
      [0.42, 0.87],
      [0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
    ],
    [
      [-3, 12],
      [-5, 0, 5, 10, 15],
    ],
    [
      [0, 1000],
      [0, 200, 400, 600, 800, 1000],
    ],
  ])('of %j has round ends and ticks', (values, ticks) => {
    expect(scaleOf(values).ticks).toEqual(ticks)
  })

  it('ends in figures that can be read', () => {
    expect(scaleOf([0.3, 1.1])).toMatchObject({ least: 0.2, most: 1.2 })
  })

  it('has some length where there is one value', () => {
    const { least, most } = scaleOf([0.5])
    expect(most).toBeGreaterThan(least)
  })
})

describe('along', () => {
  it('is in per cent, and ends at the ends', () => {
    const scale = { least: 1, most: 3, ticks: [] }
    expect([0, 1, 2, 3, 9].map((value) => along(scale, value))).toEqual([0, 0, 50, 100, 100])
  })
})
