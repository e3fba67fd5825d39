import { describe, expect, it } from 'vitest'
import { safetensors } from '../api/safetensors.example'
import { asField, column, difference, level, levelName, unlike, type Field } from './fields'

const FIELD: Field = {
  variable: 'thetao',
  unit: '°C',
  grid: { latitude: [0, 1], longitude: [0, 1, 2] },
  depth: [0, 100],
  depthName: 'depth',
  depthUnit: 'm',
  time: undefined,
  values: Float32Array.from({ length: 12 }, (_, index) => index),
}

it('a level is a plane, a column goes down', () => {
  expect([...level(FIELD, 1)]).toEqual([6, 7, 8, 9, 10, 11])
  expect(column(FIELD, 1, 2)).toEqual([5, 11])
})

describe('a difference', () => {
  it('is of the values', () => {
    const warmer = { ...FIELD, values: FIELD.values.map((value) => value + 0.5) }
    expect(unlike(warmer, FIELD)).toBe('')
    expect(new Set(difference(warmer, FIELD).values)).toEqual(new Set([0.5]))
  })

  it.each([
    [{ depth: [0, 200] }, 'other levels'],
    [{ grid: { latitude: [0, 1], longitude: [0, 2, 4] } }, 'another grid'],
    [{ variable: 'so', unit: '1e-3' }, 'so in 1e-3, this one thetao in °C'],
    [{ unit: '' }, 'thetao without a unit'],
  ])('is not taken to one with %j', (other, reason) => {
    expect(unlike(FIELD, { ...FIELD, ...other })).toContain(reason)
  })
})

describe('a field of the gateway', () => {
  const AXES = { depth: [0, 100], lat: [-1, 1], lon: [0, 2, 4] }
  const answer = (axes: Record<string, number[]>, metadata: Record<string, string>) =>
    safetensors({ variable: 'thetao', dims: '["depth","lat","lon"]', units: 'degC', ...metadata }, axes, [2, 2, 3])

  it('has its coordinates, units and time', () => {
    const field = asField(answer(AXES, { 'units.depth': 'm', time: '2020-02-15T00:00:00' }))
    expect(field).toMatchObject({ variable: 'thetao', unit: '°C', depthUnit: 'm', time: '2020-02-15T00:00:00' })
    expect(Array.from(field.grid.longitude)).toEqual([0, 2, 4])
    expect(levelName(field, 1)).toBe('100 m')
  })

  it('may call its axes what it likes where their units tell what they are', () => {
    const axes = { depth: [0, 100], 'grid y': [-1, 1], 'grid x': [0, 2, 4] }
    const units = { 'units.grid y': 'degrees_north', 'units.grid x': 'degrees_east' }
    const field = asField(answer(axes, { dims: '["depth","grid y","grid x"]', ...units }))
    expect(Array.from(field.grid.latitude)).toEqual([-1, 1])
    expect(levelName(field, 1)).toBe('depth 100')
  })

  it('counts levels of which the file tells nothing', () => {
    const field = asField(answer({ lat: AXES.lat, lon: AXES.lon }, {}))
    expect(levelName(field, 1)).toBe('level 2')
  })

  it.each([
    ['without a coordinate', { depth: AXES.depth, lat: AXES.lat }, {}, 'does not tell the coordinates of lat and lon'],
    ['of other axes', { ...AXES, y: [0, 1] }, { dims: '["depth","y","lon"]' }, 'dimensions are y and lon'],
    ['turned', AXES, { dims: '["depth","lon","lat"]' }, 'dimensions are lon and lat'],
    ['of an uneven grid', { ...AXES, lon: [0, 2, 40] }, {}, 'longitudes are not evenly spaced'],
  ])('%s is refused', (_, axes, metadata, reason) => {
    expect(() => asField(answer(axes, metadata))).toThrow(reason)
  })
})
