// Which Gaussians stand for all of them where a device cannot draw all in time.
//
// They are in an order of chance, weighted by how much each covers, so that the first of them, however many, are spread
// over the whole scene, and are the same in every picture. Source: Efraimidis and Spirakis, 2006.

import { STRIDE } from './gaussians'

export interface Importance {
  /** [N] place of each Gaussian in the order. */
  ranks: Uint32Array
  /** [N + 1] part of what all cover that the first k do. */
  covered: Float32Array
}


export function importance(geometry: Float32Array): Importance {
  const count = geometry.length / STRIDE
  const weights = new Float64Array(count)
  const keys = new Float64Array(count)
  for (let row = 0, at = 0; row < count; row++, at += STRIDE) {
    const area = geometry[at + 4]! + geometry[at + 7]! + geometry[at + 9]!
    weights[row] = Math.max(geometry[at + 3]!, geometry[at + 10]!) * area
    keys[row] = -Math.log(chance(row)) / (weights[row]! || Number.MIN_VALUE)
  }
  const sorted = Uint32Array.from(keys.keys()).sort((a, b) => keys[a]! - keys[b]! || a - b)
  const ranks = new Uint32Array(count)
  const covered = new Float32Array(count + 1)
  const all = weights.reduce((sum, weight) => sum + weight, 0) || 1
  let sum = 0
  sorted.forEach((row, rank) => {
    ranks[row] = rank
    sum += weights[row]!
    covered[rank + 1] = sum / all
  })
  return { ranks, covered }
}

/** What the variances of the first `most` are multiplied by, so that they cover more of what all do: the root of what
 * would make up for all others, as these overlap. */
export function growth({ covered }: Importance, most: number): number {
  return 1 / Math.sqrt(covered[Math.min(most, covered.length - 1)]! || 1)
}

/** A number above 0 and below 1 that is always the same for a row. Source: the mixing of MurmurHash3, A. Appleby. */
function chance(row: number): number {
  let mixed = row + 1
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (((mixed ^ (mixed >>> 16)) >>> 0) + 0.5) / 2 ** 32
}
