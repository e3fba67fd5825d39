// A camera that turns about a point, in OpenCV's axes: x right, y down, z forward.

import type { View } from './view'

export type Vector = [number, number, number]

export interface Camera {
  /** Unit vectors in the world. */
  right: Vector
  down: Vector
  forward: Vector
  /** What it turns about, and how far that is. */
  target: Vector
  distance: number
  /** Half the height of the picture at a depth of one, or half its width where that is less. */
  tangent: number
}

/** Points that are looked at to find their middle. */
const SAMPLED = 20000

/** Looks along z at the middle of some points [N × stride]; as large a part of them as `tail` at either end may be out of sight. */
export function overview(points: Float32Array, stride: number, tail: number): Camera {
  const axes = [0, 1, 2].map((axis) => ends(points, stride, axis, tail))
  const target = axes.map(([low, high]) => (low + high) / 2) as Vector
  const extent = Math.max(...axes.map(([low, high]) => high - low), 1e-6)
  return { right: [1, 0, 0], down: [0, 1, 0], forward: [0, 0, 1], target, distance: 1.6 * extent, tangent: 0.45 }
}

/** Turns by these angles: about what is up at first, then about what is right. */
export function turned(camera: Camera, yaw: number, pitch: number, up: Vector): Camera {
  const about = (vector: Vector) => rotated(vector, up, yaw)
  const right = unit(about(camera.right))
  const forward = unit(rotated(about(camera.forward), right, pitch))
  // Upside down is where one gets lost.
  if (Math.abs(dot(forward, up)) > 0.995) return turned(camera, yaw, 0, up)
  return { ...camera, right, forward, down: cross(forward, right) }
}

/** Moves across the picture by parts of its shorter side. */
export function moved(camera: Camera, across: number, along: number): Camera {
  const step = 2 * camera.tangent * camera.distance
  const target = camera.target.map(
    (value, axis) => value - step * (across * camera.right[axis]! + along * camera.down[axis]!),
  ) as Vector
  return { ...camera, target }
}

export function nearer(camera: Camera, factor: number): Camera {
  return { ...camera, distance: camera.distance * factor }
}

export function view(camera: Camera, aspect: number): View {
  const position = camera.target.map((value, axis) => value - camera.distance * camera.forward[axis]!) as Vector
  const half = camera.tangent / Math.min(aspect, 1)
  const rows = [camera.right, camera.down, camera.forward]
  return {
    matrix: rows.flatMap((row) => [...row, -dot(row, position)]),
    tangents: [half * aspect, half],
    position,
  }
}

export function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

export function cross(a: Vector, b: Vector): Vector {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

export function unit(vector: Vector): Vector {
  const norm = Math.hypot(...vector) || 1
  return vector.map((value) => value / norm) as Vector
}

/** Rodrigues' rotation about a unit axis. */
function rotated(vector: Vector, axis: Vector, angle: number): Vector {
  const cosine = Math.cos(angle)
  const beside = cross(axis, vector)
  const share = dot(axis, vector) * (1 - cosine)
  return vector.map((value, i) => value * cosine + beside[i]! * Math.sin(angle) + axis[i]! * share) as Vector
}

/** What this part of the points is below, and above. */
function ends(points: Float32Array, stride: number, axis: number, tail: number): [number, number] {
  const step = stride * Math.max(1, Math.floor(points.length / stride / SAMPLED))
  const values = Float32Array.from({ length: Math.ceil((points.length - axis) / step) }, (_, i) => points[axis + i * step]!)
  values.sort()
  const at = (part: number) => values[Math.round(part * (values.length - 1))] ?? 0
  return [at(tail), at(1 - tail)]
}
