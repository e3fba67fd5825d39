/** A regular grid of longitudes and latitudes, and its cells. */

import { wrapped } from './view'

export interface Grid {
  /** Centres of the cells, degrees east and north, evenly spaced. */
  longitude: ArrayLike<number>
  latitude: ArrayLike<number>
}

export interface Cell {
  row: number
  column: number
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
