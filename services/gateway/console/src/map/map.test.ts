import { describe, expect, it } from 'vitest'
import { packed } from '../colour/scale'
import { isCoast } from './coast'
import { cellAt } from './grid'
import { coloured } from './raster'
import { at, clamped, dragged, pixel, showing, WORLD, zoomed } from './view'

const SIZE = { width: 720, height: 360 }
const GRID = { longitude: [45, 135, 225, 315], latitude: [-45, 45] }

describe('a view', () => {
  it('of the whole Earth has two pixels a degree here', () => {
    expect(at(WORLD, 0, 0, SIZE)).toEqual({ longitude: 20, latitude: 90 })
    expect(pixel(WORLD, 200, -90, SIZE)).toEqual({ x: 360, y: 360 })
  })

  it('moves with the hand around the Earth, but not over a pole', () => {
    expect(dragged(WORLD, 200, 50, SIZE)).toEqual({ longitude: 100, latitude: 0, zoom: 1 })
    expect(dragged(WORLD, 600, 0, SIZE).longitude).toBe(260)
    expect(clamped({ longitude: 0, latitude: 80, zoom: 2 }, SIZE).latitude).toBe(45)
  })

  it('zooms about the point under the pointer', () => {
    const before = at(WORLD, 500, 200, SIZE)
    const after = at(zoomed(WORLD, 3, 500, 200, SIZE), 500, 200, SIZE)
    expect(after.longitude).toBeCloseTo(before.longitude)
    expect(after.latitude).toBeCloseTo(before.latitude)
  })

  it('moves no further than to where a place is in sight', () => {
    expect(showing(WORLD, 210, 45, SIZE)).toEqual(WORLD)
    const near = { longitude: 200, latitude: 0, zoom: 4 }
    const { x, y } = pixel(showing(near, 250, 30, SIZE), 250, 30, SIZE)
    expect(x).toBeCloseTo(SIZE.width - 24)
    expect(y).toBeCloseTo(24)
  })
})

it('a place is in the cell around it, across the meridian too', () => {
  expect(cellAt(GRID, -1, 10)).toEqual({ row: 1, column: 3 })
  expect(cellAt(GRID, 361, -80)).toEqual({ row: 0, column: 0 })
  expect(cellAt({ longitude: [10, 11], latitude: [0, 1] }, 50, 0)).toBeUndefined()
})

it('a picture has the north on top, whichever way the latitudes run', () => {
  const scale = { table: 'amp', low: 0, high: 1 } as const
  const [least, most] = [packed('amp')[0]!, packed('amp')[255]!]
  const southFirst = coloured(new Float32Array([0, 0, 0, NaN, 1, 1, 1, 1]), GRID, scale)
  expect([...southFirst]).toEqual([most, most, most, most, least, least, least, 0])
  const northFirst = coloured(new Float32Array([1, 1, 1, 1, 0, 0, 0, NaN]), { ...GRID, latitude: [45, -45] }, scale)
  expect(northFirst).toEqual(southFirst)
})

it('where the map was cut is no coast', () => {
  expect(isCoast(10, 12, 50)).toBe(true)
  expect(isCoast(180, 180, 66)).toBe(false)
  expect(isCoast(-180, 180, -16)).toBe(false)
  expect(isCoast(0, 90, -90)).toBe(false)
})
