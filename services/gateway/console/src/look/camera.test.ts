import { describe, expect, it } from 'vitest'
import { cross, dot, moved, nearer, overview, turned, view, type Camera, type Vector } from './camera'

const AHEAD: Camera = {
  right: [1, 0, 0],
  down: [0, 1, 0],
  forward: [0, 0, 1],
  target: [1, 2, 3],
  distance: 5,
  tangent: 0.5,
}
const UP: Vector = [0, -1, 0]

/** A point as the camera has it. */
function seen(camera: Camera, [x, y, z]: Vector): Vector {
  const m = view(camera, 1).matrix
  return [0, 4, 8].map((row) => m[row]! * x + m[row + 1]! * y + m[row + 2]! * z + m[row + 3]!) as Vector
}

describe('camera', () => {
  it('has what it turns about in the middle of the picture, however it is turned', () => {
    const place = seen(turned(AHEAD, 0.7, -0.3, UP), AHEAD.target)
    ;[0, 0, 5].forEach((value, axis) => expect(place[axis]).toBeCloseTo(value, 12))
  })

  it('keeps its axes at right angles', () => {
    let camera = AHEAD
    for (let i = 0; i < 100; i++) camera = turned(camera, 0.1, 0.05 * (-1) ** i, UP)
    expect(dot(camera.right, camera.forward)).toBeCloseTo(0, 9)
    expect(dot(cross(camera.forward, camera.right), camera.down)).toBeCloseTo(1, 9)
  })

  it('does not turn over the top', () => {
    let camera = AHEAD
    for (let i = 0; i < 100; i++) camera = turned(camera, 0, 0.1, UP)
    expect(Math.abs(dot(camera.forward, UP))).toBeLessThanOrEqual(0.995)
  })

  it('moves what it sees as far as it is dragged', () => {
    // A picture is 2 · tangent · distance = 5 high there: a tenth of it is half a unit.
    expect(seen(moved(AHEAD, 0.1, 0), AHEAD.target)[0]).toBeCloseTo(0.5, 12)
  })

  it('has as much in sight along the shorter side, whichever that is', () => {
    expect(view(AHEAD, 2).tangents).toEqual([1, 0.5])
    expect(view(AHEAD, 0.5).tangents).toEqual([0.5, 1])
  })

  it('goes nearer', () => {
    expect(seen(nearer(AHEAD, 0.5), AHEAD.target)[2]).toBeCloseTo(2.5, 12)
  })

  it('overlooks most points, and few that are far away do not count', () => {
    const points = Float32Array.from({ length: 300 }, (_, i) => (i % 3 === 0 && i < 6 ? 1e6 : (i % 30) / 30))
    expect(overview(points, 3, 0.1).distance).toBeLessThan(3)
  })
})
