import { describe, expect, it } from 'vitest'
import { fitted, packed, step } from './scale'

describe('a scale', () => {
  it('ends at round numbers around the values', () => {
    const { low, high } = fitted(new Float32Array([-1.83, 29.6, NaN]), 'thermal')
    expect([low, high]).toEqual([-2, 30])
  })

  it('of differences is even about zero', () => {
    const { low, high } = fitted(new Float32Array([-0.3, 1.37]), 'balance')
    expect(high).toBeCloseTo(1.4)
    expect(low).toBe(-high)
  })

  it('of a field without values is still one', () => {
    expect(fitted(new Float32Array([NaN]), 'thermal')).toEqual({ table: 'thermal', low: 0, high: 1 })
  })

  it('gives the ends their colours, and what lies beyond them too', () => {
    const scale = { table: 'thermal', low: 0, high: 10 } as const
    expect([-5, 0, 9.99, 10, 50].map((value) => step(value, scale))).toEqual([0, 0, 255, 255, 255])
  })
})

it('cmocean’s thermal begins dark blue and ends light yellow', () => {
  const colours = packed('thermal')
  expect(colours.length).toBe(256)
  // ABGR, as a canvas on a little-endian machine stores them; cmocean’s first row is (0.0156, 0.1382, 0.2018).
  expect(colours[0]!.toString(16)).toBe('ff332304')
})
