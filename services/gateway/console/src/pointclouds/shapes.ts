// Clouds and boxes as what is drawn.

import type { Shape } from './drawing'
import type { Cloud } from './cloud'
import type { Box } from './service'

type Tint = readonly [number, number, number]
export type ColourOf = (part: number) => Tint

/** Of what was added, and of boxes: apart from every colour of the tables. */
export const ADDED: Tint = [0.25, 0.95, 0.85]

/** A cloud in its own colours, else coloured by height; then points that were added to it. */
export function cloudShape(cloud: Cloud, added: Float64Array, colourOf: ColourOf): Shape {
  const { points, colours } = cloud
  const places = new Float32Array(points.length + added.length)
  const tints = new Float32Array(places.length)
  places.set(points)
  places.set(added, points.length)
  const [low, high] = heights(points)
  for (let at = 0; at < points.length; at += 3) {
    const tint: Tint = colours
      ? [colours[at]! / 255, colours[at + 1]! / 255, colours[at + 2]! / 255]
      : colourOf((points[at + 2]! - low) / (high - low || 1))
    tints.set(tint, at)
  }
  for (let at = points.length; at < places.length; at += 3) tints.set(ADDED, at)
  return { places, tints }
}

/** The edges of boxes. */
export function boxShape(boxes: Box[]): Shape {
  const places = Float32Array.from(boxes.flatMap(edges))
  const tints = new Float32Array(places.length)
  for (let at = 0; at < tints.length; at += 3) tints.set(ADDED, at)
  return { places, tints }
}

function edges(box: Box): number[] {
  const ends: number[] = []
  for (let corner = 0; corner < 8; corner++) {
    for (const axis of [1, 2, 4]) {
      if (!(corner & axis)) ends.push(...place(box, corner), ...place(box, corner | axis))
    }
  }
  return ends
}

/** One of the eight corners; each bit is a side along an axis. */
export function place({ center, size, yaw }: Box, corner: number): [number, number, number] {
  const along = (corner & 1 ? 0.5 : -0.5) * size.x
  const across = (corner & 2 ? 0.5 : -0.5) * size.y
  return [
    center.x + along * Math.cos(yaw) - across * Math.sin(yaw),
    center.y + along * Math.sin(yaw) + across * Math.cos(yaw),
    center.z + (corner & 4 ? 0.5 : -0.5) * size.z,
  ]
}

function heights(points: Float64Array): [number, number] {
  let low = Infinity
  let high = -Infinity
  for (let at = 2; at < points.length; at += 3) {
    low = Math.min(low, points[at]!)
    high = Math.max(high, points[at]!)
  }
  return [low, high]
}
