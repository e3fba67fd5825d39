// Colours by height.

import { TABLES } from '../colour/tables'
import type { ColourOf } from './shapes'

const TABLE = Array.from({ length: 256 }, (_, index) => {
  const value = parseInt(TABLES.thermal.slice(6 * index, 6 * index + 6), 16)
  return [(value >> 16) / 255, ((value >> 8) & 255) / 255, (value & 255) / 255] as const
})
/** The darkest colours of the table cannot be told from the ground. */
const FIRST = 48

export const height: ColourOf = (part) => TABLE[Math.round(FIRST + part * (255 - FIRST))]!
