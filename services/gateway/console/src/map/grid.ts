/** A regular grid of longitudes and latitudes, and its cells. */

import { wrapped } from './view'

export interface Grid {
  /** Centres of the cells, degrees east and north, evenly spaced; longitudes run east. */
  longitude: ArrayLike<number>
  latitude: ArrayLike<number>
}

export interface Cell {
  row: number
  column: number
}

/** How far a centre may lie off its even place, in cells: files round their coordinates. */
const ROUNDING = 0.1
/** What longitudes may be, degrees: once around, in any way of counting. */
const [LEAST_EAST, MOST_EAST] = [-360, 720]

/** The grid of these centres. Throws a RangeError with a sentence for the reader where they span none. */
export function gridOf(latitude: ArrayLike<number>, longitude: ArrayLike<number>): Grid {
  const [north, east] = [Array.from(latitude), Array.from(longitude)]
  if (!isEven(north)) throw new RangeError('Its latitudes are not evenly spaced.')
  if (!isEven(east) || spacing(east) < 0) throw new RangeError('Its longitudes are not evenly spaced from west to east.')
  if (north.some((degrees) => Math.abs(degrees) > 90)) throw new RangeError('Its latitudes go beyond the poles.')
  // A column may come twice, at both edges.
  if (east.length > 1 + 360 / spacing(east) + ROUNDING) throw new RangeError('It is wider than once around the Earth.')
  if (east[0]! < LEAST_EAST || east.at(-1)! > MOST_EAST)
    throw new RangeError('Its longitudes are not between −360° and 720°.')
  return { latitude, longitude }
}

function isEven(axis: number[]): boolean {
  const step = spacing(axis)
  return axis.length > 0 && step !== 0 && axis.every((at, i) => Math.abs(at - axis[0]! - i * step) <= ROUNDING * Math.abs(step))
}

export function spacing(axis: ArrayLike<number>): number {
  return axis.length > 1 ? (axis[axis.length - 1]! - axis[0]!) / (axis.length - 1) : 1
}

/** The cell that a place is in; none outside the grid. */
export function cellAt(grid: Grid, longitude: number, latitude: number): Cell | undefined {
  const [dx, dy] = [spacing(grid.longitude), spacing(grid.latitude)]
  const row = Math.floor((latitude - grid.latitude[0]!) / dy + 0.5)
  const east = wrapped(longitude - (grid.longitude[0]! - dx / 2))
  const column = Math.floor(east / dx)
  const inside = row >= 0 && row < grid.latitude.length && column >= 0 && column < grid.longitude.length
  return inside ? { row, column } : undefined
}

export function sameGrid(one: Grid, other: Grid): boolean {
  const near = (a: ArrayLike<number>, b: ArrayLike<number>) =>
    a.length === b.length && Math.abs(a[0]! - b[0]!) < 1e-6 && Math.abs(spacing(a) - spacing(b)) < 1e-6
  return near(one.longitude, other.longitude) && near(one.latitude, other.latitude)
}
