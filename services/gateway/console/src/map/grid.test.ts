import { expect, it } from 'vitest'
import { gridOf } from './grid'

const every = (first: number, step: number, count: number) => Array.from({ length: count }, (_, i) => first + i * step)
const NORTH = every(-89, 2, 90)
const EAST = every(1, 2, 180)

it.each([
  ['around the Earth', NORTH, EAST],
  ['from the north', NORTH.toReversed(), EAST],
  ['with one column at both edges', NORTH, every(-180, 2, 181)],
  ['of a region, rounded to two digits', [45.08, 45.17, 45.25, 45.33], [-30, -29.5, -29]],
  ['of one cell', [10], [20]],
])('a grid %s is drawn', (_, latitude, longitude) => {
  expect(gridOf(latitude, longitude)).toEqual({ latitude, longitude })
})

it.each([
  [[0, 1, 2], [0, 1e29], 'wider than once around the Earth'],
  [[0, 1], every(0, 2, 182), 'wider than once around the Earth'],
  [[0, 1], [1e29], 'not between'],
  [[0, 1], [1e9, 1e9 + 1], 'not between'],
  [[89, 91], EAST, 'beyond the poles'],
  [[0, 1, 3], EAST, 'latitudes are not evenly spaced'],
  [[0, 0], EAST, 'latitudes are not evenly spaced'],
  [[0, NaN, 2], EAST, 'latitudes are not evenly spaced'],
  [[], EAST, 'latitudes are not evenly spaced'],
  [NORTH, [0, 1, 5], 'longitudes are not evenly spaced'],
  [NORTH, [2, 1, 0], 'from west to east'],
  [NORTH, [0, Infinity], 'longitudes are not evenly spaced'],
])('latitudes %j with longitudes %j are refused', (latitude, longitude, reason) => {
  expect(() => gridOf(latitude, longitude)).toThrow(reason)
})
