/** Scales: from a quantity to one of 256 colours. */

import { TABLES } from './tables'

export type Table = keyof typeof TABLES

export interface Scale {
  table: Table
  low: number
  high: number
}

const PACKED = new Map<Table, Uint32Array>()

/** The colours of a table as a canvas stores them: red in the lowest byte, alpha in the highest. */
export function packed(table: Table): Uint32Array {
  let colours = PACKED.get(table)
  if (!colours) {
    const text = TABLES[table]
    colours = Uint32Array.from({ length: 256 }, (_, index) => {
      const rgb = parseInt(text.slice(6 * index, 6 * index + 6), 16)
      return (0xff000000 | ((rgb & 0xff) << 16) | (rgb & 0xff00) | (rgb >> 16)) >>> 0
    })
    PACKED.set(table, colours)
  }
  return colours
}

/** Which of 256 colours a value has; values beyond the ends have those of the ends. */
export function step(value: number, { low, high }: Scale): number {
  const part = (value - low) / (high - low || 1)
  return Math.min(255, Math.max(0, Math.floor(256 * part)))
}

/** The scale of a field, its ends round numbers; of differences, even about zero. */
export function fitted(values: Float32Array, table: Table): Scale {
  let low = Infinity
  let high = -Infinity
  for (const value of values) {
    if (value < low) low = value
    if (value > high) high = value
  }
  if (low > high) return { table, low: 0, high: 1 }
  if (table === 'balance') {
    const most = rounded(Math.max(Math.abs(low), Math.abs(high)), Math.ceil)
    return { table, low: -most, high: most }
  }
  if (table === 'amp') return { table, low: 0, high: rounded(high, Math.ceil) }
  const unit = 10 ** Math.floor(Math.log10(high - low || 1)) / 10
  return { table, low: unit * Math.floor(low / unit), high: unit * Math.ceil(high / unit) || unit }
}

function rounded(value: number, round: (value: number) => number): number {
  if (value <= 0) return 1
  const unit = 10 ** Math.floor(Math.log10(value)) / 10
  return unit * round(value / unit)
}
