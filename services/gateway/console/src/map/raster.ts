/** A field as a picture of one pixel a cell, north up. */

import { packed, step, type Scale } from '../colour/scale'
import { spacing, type Grid } from './grid'

/** Colours of the cells, row by row from the north; cells without a value are clear. */
export function coloured(values: Float32Array, grid: Grid, scale: Scale): Uint32Array {
  const [rows, columns] = [grid.latitude.length, grid.longitude.length]
  const colours = packed(scale.table)
  const pixels = new Uint32Array(rows * columns)
  const northUp = spacing(grid.latitude) < 0
  for (let row = 0; row < rows; row++) {
    const from = (northUp ? row : rows - 1 - row) * columns
    for (let column = 0; column < columns; column++) {
      const value = values[from + column]!
      if (value === value) pixels[row * columns + column] = colours[step(value, scale)]!
    }
  }
  return pixels
}

export function raster(values: Float32Array, grid: Grid, scale: Scale): OffscreenCanvas {
  const canvas = new OffscreenCanvas(grid.longitude.length, grid.latitude.length)
  const context = canvas.getContext('2d')!
  const image = context.createImageData(canvas.width, canvas.height)
  new Uint32Array(image.data.buffer).set(coloured(values, grid, scale))
  context.putImageData(image, 0, 0)
  return canvas
}
