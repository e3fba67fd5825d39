// Numbers as a texture holds them: in rows of a width that every device has.

/** WebGL 2 has textures of 2048 texels a side at least. */
export const WIDTH = 2048
export const CHANNELS = 4

/** Texels of this many rows, so that `count` fit in; one row at least. */
export function rowsFor(count: number): number {
  return Math.max(1, Math.ceil(count / WIDTH))
}

/** How many numbers the rows have that `count` texels fit in. */
export function padded(count: number): number {
  return rowsFor(count) * WIDTH * CHANNELS
}
