import { expect, it } from 'vitest'
import { about, bytes, duration, place, quantity } from './figures'

it('figures have their units', () => {
  expect(quantity(-1.234, '°C')).toBe('−1.23\u202f°C')
  expect(quantity(NaN, '°C')).toBe('no data')
  expect(bytes(6_200_000)).toBe('6.2\u202fMB')
  expect(duration(85)).toBe('1\u202fmin 25\u202fs')
  expect(place(-8.5, 182.5)).toBe('8.5° S, 177.5° W')
})

it('what a service tells begins as a sentence', () => {
  expect(about('Method `gp`: the exact joint Gaussian process')).toBe('The exact joint Gaussian process')
})
