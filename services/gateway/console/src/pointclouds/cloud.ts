// Clouds of points from files: PLY, and text with x, y, z and, where it has them, red, green and blue.

import { columns, readPly } from '../ply'

export interface Cloud {
  /** [N × 3]. */
  points: Float64Array
  /** [N × 3] red, green and blue. */
  colours?: Uint8Array
}

/** The cloud in a file. Throws an Error that says what cannot be read. */
export async function readCloud(file: File): Promise<Cloud> {
  const cloud = /\.ply$/i.test(file.name) ? ofPly(await file.arrayBuffer()) : ofText(await file.text())
  if (cloud.points.length === 0) throw new Error('this file has no points: x, y and z, in PLY or as lines of text')
  if (!cloud.points.every(Number.isFinite)) throw new Error('this file has coordinates that are no numbers')
  return cloud
}

export function ofPly(buffer: ArrayBuffer): Cloud {
  const table = readPly(buffer)
  const points = Float64Array.from(picked(table, ['x', 'y', 'z']))
  const names = ['red', 'green', 'blue']
  if (!names.every((name) => table.names.includes(name))) return { points }
  return { points, colours: Uint8Array.from(picked(table, names)) }
}

export function ofText(text: string): Cloud {
  const rows = text
    .split(/\r?\n/)
    .map((line) =>
      line
        .split(/[\s,;]+/)
        .filter(Boolean)
        .map(Number),
    )
    // Headings and comments have words.
    .filter((row) => row.length >= 3 && row.every(Number.isFinite))
  const points = Float64Array.from(rows.flatMap((row) => row.slice(0, 3)))
  const coloured = rows.length > 0 && rows.every((row) => row.slice(-3).every(isByte) && row.length >= 6)
  return coloured ? { points, colours: Uint8Array.from(rows.flatMap((row) => row.slice(-3))) } : { points }
}

/** As PLY that any viewer opens: what was given, and what was added, told apart by the property `added`. */
export function writtenPly(points: Float64Array, added: Float64Array): Blob {
  const header = ['ply', 'format ascii 1.0', `element vertex ${(points.length + added.length) / 3}`]
  header.push(...['x', 'y', 'z'].map((name) => `property double ${name}`), 'property uchar added', 'end_header\n')
  const lines = (values: Float64Array, flag: number) =>
    Array.from({ length: values.length / 3 }, (_, i) => `${values.subarray(3 * i, 3 * i + 3).join(' ')} ${flag}\n`)
  return new Blob([header.join('\n'), ...lines(points, 0), ...lines(added, 1)])
}

function* picked(table: ReturnType<typeof readPly>, names: string[]): Generator<number> {
  const indices = columns(table, names)
  for (let row = 0; row < table.count; row++) {
    for (const index of indices) yield table.values[row * table.names.length + index]!
  }
}

function isByte(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 255
}
