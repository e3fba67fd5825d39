import { expect, it } from 'vitest'
import { column, difference, level, type Field } from './fields'

const FIELD: Field = {
  variable: 'thetao',
  unit: '°C',
  grid: { latitude: [0, 1], longitude: [0, 1, 2] },
  depth: [0, 100],
  depthUnit: 'm',
  values: Float32Array.from({ length: 12 }, (_, index) => index),
}

it('a level is a plane, a column goes down', () => {
  expect([...level(FIELD, 1)]).toEqual([6, 7, 8, 9, 10, 11])
  expect(column(FIELD, 1, 2)).toEqual([5, 11])
})

it('a difference needs the same grid and levels', () => {
  const warmer = { ...FIELD, values: FIELD.values.map((value) => value + 0.5) }
  expect(new Set(difference(warmer, FIELD)!.values)).toEqual(new Set([0.5]))
  expect(difference(FIELD, { ...FIELD, depth: [0, 200] })).toBeUndefined()
  expect(difference(FIELD, { ...FIELD, grid: { latitude: [0, 1], longitude: [0, 2, 4] } })).toBeUndefined()
})
