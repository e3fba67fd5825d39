// Gaussians in the order in which they are drawn: the farthest first.

import type { View } from '../look/view'
import { STRIDE } from './gaussians'

export interface Order {
  /** Indices of those that the view shows, the farthest first. */
  indices: Uint32Array
  /** Depth that one in fifty of them is nearer than, in the units of the scene. */
  nearest: number
}

const BUCKETS = 1 << 16
/** Standard deviations, along any axis, that a Gaussian is seen from its middle. */
const REACH = 3.33
const FAINT = 1 / 255

/** Counting sort of depths in 2¹⁶ equal steps; `among` keeps to those whose rank is below `most`. */
export function order(
  geometry: Float32Array,
  view: View,
  near: number,
  among?: { ranks: Uint32Array; most: number },
): Order {
  const count = geometry.length / STRIDE
  const m = view.matrix as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const [right, down] = view.tangents
  const shown = new Uint32Array(count)
  const depths = new Float32Array(count)
  let visible = 0
  let least = Infinity
  let most = 0
  for (let row = 0, at = 0; row < count; row++, at += STRIDE) {
    if (among && among.ranks[row]! >= among.most) continue
    if (geometry[at + 3]! < FAINT && geometry[at + 10]! < FAINT) continue
    const x = geometry[at]!
    const y = geometry[at + 1]!
    const z = geometry[at + 2]!
    const depth = m[8] * x + m[9] * y + m[10] * z + m[11]
    if (!(depth > near)) continue
    const reach = REACH * Math.sqrt(geometry[at + 4]! + geometry[at + 7]! + geometry[at + 9]!)
    if (Math.abs(m[0] * x + m[1] * y + m[2] * z + m[3]) > right * depth + reach) continue
    if (Math.abs(m[4] * x + m[5] * y + m[6] * z + m[7]) > down * depth + reach) continue
    shown[visible] = row
    depths[visible++] = depth
    if (depth < least) least = depth
    if (depth > most) most = depth
  }
  return sorted(shown.subarray(0, visible), depths, least, most)
}

function sorted(shown: Uint32Array, depths: Float32Array, least: number, most: number): Order {
  const counts = new Uint32Array(BUCKETS + 1)
  const step = (BUCKETS - 1) / (most - least || 1)
  const buckets = new Uint16Array(shown.length)
  for (let i = 0; i < shown.length; i++) {
    const bucket = Math.floor((most - depths[i]!) * step)
    buckets[i] = bucket
    counts[bucket + 1]!++
  }
  for (let bucket = 0; bucket < BUCKETS; bucket++) counts[bucket + 1]! += counts[bucket]!
  const indices = new Uint32Array(shown.length)
  for (let i = 0; i < shown.length; i++) indices[counts[buckets[i]!]!++] = shown[i]!
  const limit = Math.floor(shown.length * 0.98)
  let nearest = least
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    if (counts[bucket]! >= limit) {
      nearest = most - bucket / step
      break
    }
  }
  return { indices, nearest }
}
