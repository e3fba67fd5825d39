// Points and boxes with WebGL 2.

import { program } from '../look/gl'
import type { View } from '../look/view'

const POINTS_VERTEX = `#version 300 es
precision highp float;
in vec3 place;
in vec3 tint;
uniform mat4 view;
uniform vec2 slopes;
uniform float pixels;
uniform vec2 range;
out vec3 shade;
void main() {
  vec3 seen = (view * vec4(place, 1.0)).xyz;
  float depth = (seen.z - range.x) / (range.y - range.x);
  gl_Position = vec4(seen.x / slopes.x, -seen.y / slopes.y, (2.0 * depth - 1.0) * seen.z, seen.z);
  gl_PointSize = clamp(pixels / seen.z, 1.5, 24.0);
  shade = tint;
}`

const POINTS_FRAGMENT = `#version 300 es
precision mediump float;
in vec3 shade;
uniform bool round;
out vec4 colour;
void main() {
  if (round && length(gl_PointCoord - 0.5) > 0.5) discard;
  colour = vec4(shade, 1.0);
}`

/** Side of a point over the distance that the camera turns at. */
const POINT_SIZE = 0.008

export interface Shape {
  /** [N × 3] places, and as many colours 0 to 1. */
  places: Float32Array
  tints: Float32Array
}

export interface Drawing {
  set(points: Shape, lines: Shape): void
  draw(view: View, distance: number): void
  close(): void
}

/** Throws an Error where the browser has no WebGL 2. */
export function drawingOn(canvas: HTMLCanvasElement): Drawing {
  const gl = canvas.getContext('webgl2', { antialias: true, preserveDrawingBuffer: true })
  if (!gl) throw new Error('this browser has no WebGL 2, which clouds are drawn with')
  const drawn = program(gl, POINTS_VERTEX, POINTS_FRAGMENT)
  const uniform = (name: string) => gl.getUniformLocation(drawn, name)
  const shapes = [0, 1].map(() => ({
    count: 0,
    array: gl.createVertexArray(),
    buffers: [gl.createBuffer(), gl.createBuffer()],
  }))

  function fill(shape: (typeof shapes)[number], { places, tints }: Shape) {
    gl!.bindVertexArray(shape.array)
    for (const [i, [name, values]] of (
      [
        ['place', places],
        ['tint', tints],
      ] as const
    ).entries()) {
      const at = gl!.getAttribLocation(drawn, name)
      gl!.bindBuffer(gl!.ARRAY_BUFFER, shape.buffers[i]!)
      gl!.bufferData(gl!.ARRAY_BUFFER, values, gl!.STATIC_DRAW)
      gl!.enableVertexAttribArray(at)
      gl!.vertexAttribPointer(at, 3, gl!.FLOAT, false, 0, 0)
    }
    shape.count = places.length / 3
  }

  return {
    set(points, lines) {
      fill(shapes[0]!, points)
      fill(shapes[1]!, lines)
    },
    draw({ matrix: m, tangents }, distance) {
      gl.viewport(0, 0, canvas.width, canvas.height)
      gl.clearColor(0, 0, 0, 1)
      gl.enable(gl.DEPTH_TEST)
      gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT)
      gl.useProgram(drawn)
      const columns = [0, 1, 2, 3].flatMap((column) => [
        m[column]!,
        m[4 + column]!,
        m[8 + column]!,
        column === 3 ? 1 : 0,
      ])
      gl.uniformMatrix4fv(uniform('view'), false, columns)
      gl.uniform2f(uniform('slopes'), tangents[0], tangents[1])
      gl.uniform2f(uniform('range'), 0.01 * distance, 100 * distance)
      gl.uniform1f(uniform('pixels'), (POINT_SIZE * distance * canvas.height) / tangents[1] / 2)
      for (const [i, mode] of [gl.POINTS, gl.LINES].entries()) {
        gl.uniform1i(uniform('round'), mode === gl.POINTS ? 1 : 0)
        gl.bindVertexArray(shapes[i]!.array)
        gl.drawArrays(mode, 0, shapes[i]!.count)
      }
    },
    close() {
      gl.getExtension('WEBGL_lose_context')?.loseContext()
    },
  }
}
