import { describe, expect, it } from 'vitest'
import type { View } from '../look/view'
import { STRIDE } from './gaussians'
import { order } from './sorting'

const AHEAD: View = { matrix: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0], tangents: [1, 1], position: [0, 0, 0] }

/** Gaussians of no extent at these places, all opaque. */
function at(...places: [number, number, number][]): Float32Array {
  const geometry = new Float32Array(places.length * STRIDE)
  places.forEach((place, row) => geometry.set([...place, 1], row * STRIDE))
  return geometry
}

describe('order', () => {
  it('is from far to near', () => {
    expect([...order(at([0, 0, 2], [0, 0, 9], [0, 0, 5]), AHEAD, 0.01).indices]).toEqual([1, 2, 0])
  })

  it('leaves out what is behind the camera, beside the picture or too faint to be seen', () => {
    const geometry = at([0, 0, -1], [9, 0, 2], [0, 0, 3], [0, 9, 2])
    expect([...order(geometry, AHEAD, 0.01).indices]).toEqual([2])
    geometry[2 * STRIDE + 3] = 0.001
    expect(order(geometry, AHEAD, 0.01).indices).toHaveLength(0)
  })

  it('keeps what reaches into the picture from beside it', () => {
    const geometry = at([9, 0, 2])
    geometry[4] = 9
    expect(order(geometry, AHEAD, 0.01).indices).toHaveLength(1)
  })

  it('keeps what only reflects', () => {
    const geometry = at([0, 0, 3])
    geometry.set([0], 3)
    geometry.set([0.8], 10)
    expect(order(geometry, AHEAD, 0.01).indices).toHaveLength(1)
  })

  it('keeps to those of a low rank', () => {
    const among = { ranks: Uint32Array.of(2, 0, 1), most: 2 }
    expect([...order(at([0, 0, 2], [0, 0, 9], [0, 0, 5]), AHEAD, 0.01, among).indices]).toEqual([1, 2])
  })

  it('tells depths apart as far as they differ by a part in 65 535 of their range', () => {
    const depths = Float32Array.from({ length: 20_000 }, (_, i) => 1 + ((i * 7919) % 20_011) / 20_011)
    const geometry = at(...Array.from(depths, (depth): [number, number, number] => [0, 0, depth]))
    const { indices, nearest } = order(geometry, AHEAD, 0.01)
    const sorted = Array.from(indices, (index) => depths[index]!)
    const rises = sorted.slice(1).map((depth, i) => depth - sorted[i]!)
    expect(Math.max(...rises)).toBeLessThan(1 / 65535)
    // One in fifty of those from 1 to 2 is below.
    expect(nearest).toBeCloseTo(1.02, 2)
  })
})
