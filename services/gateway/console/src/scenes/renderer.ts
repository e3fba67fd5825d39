// Draws sorted Gaussians with WebGL 2, a batch at a time, so that a slow device never holds up the page.
//
// Compositing goes on from one batch to the next, over several animation frames where it must, and the canvas keeps the
// last whole picture meanwhile. While the camera moves the picture has fewer pixels: as many as the device draws in time.

import { program } from '../look/gl'
import type { View } from '../look/view'
import type { Loaded, Sorted } from './messages'
import { GAUSSIAN_FRAGMENT, GAUSSIAN_VERTEX, PICTURE_FRAGMENT, PICTURE_VERTEX } from './shaders'

export const COMPONENTS = ['all', 'transmitted', 'reflected', 'depth'] as const
export type Component = (typeof COMPONENTS)[number]

/** A batch that took longer is followed by a smaller one, ms. */
const SLOW = 40
/** A picture in motion that took longer is followed by one of fewer pixels, ms. */
const SLOW_PICTURE = 120
const LEAST_BATCH = 4096
const COARSEST = 0.2

interface Frame {
  view: View
  scale: number
  /** Gaussians that are drawn. */
  drawn: number
  began: number
}

export class Renderer {
  private readonly gl: WebGL2RenderingContext
  private readonly gaussian: WebGLProgram
  private readonly picture: WebGLProgram
  private readonly indices: WebGLBuffer
  private readonly geometry: WebGLTexture
  private readonly colours: WebGLTexture
  private readonly layers: WebGLTexture[]
  private readonly target: WebGLFramebuffer
  private count = 0
  private nearest = 1
  private antialiased = false
  private batch = 50000
  private coarse = 0.5
  private frame: Frame | undefined
  private fence: { sync: WebGLSync; since: number } | undefined
  private size: [number, number] = [0, 0]

  /** Throws an Error where the browser has no WebGL 2. */
  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly near: number,
  ) {
    const gl = canvas.getContext('webgl2', {
      alpha: false,
      antialias: false,
      depth: false,
      preserveDrawingBuffer: true,
    })
    if (!gl) throw new Error('this browser has no WebGL 2, which scenes are drawn with')
    this.gl = gl
    if (!gl.getExtension('EXT_color_buffer_float')) throw new Error('this device cannot draw into textures of floats')
    this.gaussian = program(gl, GAUSSIAN_VERTEX, GAUSSIAN_FRAGMENT)
    this.picture = program(gl, PICTURE_VERTEX, PICTURE_FRAGMENT)
    this.indices = gl.createBuffer()
    this.geometry = gl.createTexture()
    this.colours = gl.createTexture()
    this.layers = [0, 1, 2].map(() => gl.createTexture())
    this.target = gl.createFramebuffer()
  }

  load(model: Loaded): void {
    const { gl } = this
    const rows = textureSize(gl, 3 * model.count)
    const padded = new Float32Array(rows.width * rows.height * 4)
    padded.set(model.geometry)
    upload(gl, this.geometry, gl.RGBA32F, rows, gl.RGBA, gl.FLOAT, padded)
    this.antialiased = model.antialiased
    this.count = 0
    this.frame = undefined
  }

  order({ indices, nearest, colours }: Sorted): void {
    const { gl } = this
    gl.bindBuffer(gl.ARRAY_BUFFER, this.indices)
    gl.bufferData(gl.ARRAY_BUFFER, indices, gl.DYNAMIC_DRAW)
    this.count = indices.length
    this.nearest = nearest
    if (colours) {
      const rows = textureSize(gl, colours.length / 2)
      const padded = new Uint32Array(rows.width * rows.height * 2)
      padded.set(colours)
      upload(gl, this.colours, gl.RG32UI, rows, gl.RG_INTEGER, gl.UNSIGNED_INT, padded)
    }
  }

  /** Begins a picture, in place of one that is being drawn; `moving` says that another will follow soon. */
  begin(view: View, moving: boolean): void {
    const scale = moving ? this.coarse : 1
    this.resize(scale)
    const { gl } = this
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.target)
    gl.clearColor(0, 0, 0, 0)
    gl.clear(gl.COLOR_BUFFER_BIT)
    this.frame = { view, scale, drawn: 0, began: performance.now() }
  }

  /** The part of the canvas's pixels, along each side, that the picture has which is being drawn; 0 where none is. */
  get drawing(): number {
    return this.frame?.scale ?? 0
  }

  /** Draws as much as there is time for; true when a picture has been shown. */
  step(component: Component): boolean {
    const { frame } = this
    if (!frame || !this.ready()) return false
    if (frame.drawn < this.count) {
      this.drawBatch(frame)
      return false
    }
    this.show(component)
    const took = performance.now() - frame.began
    if (frame.scale < 1) {
      if (took > SLOW_PICTURE) this.coarse = Math.max(COARSEST, this.coarse * 0.8)
      else if (took < SLOW_PICTURE / 3) this.coarse = Math.min(0.99, this.coarse * 1.2)
    }
    this.frame = undefined
    return true
  }

  /** Shows another component of the picture that is there. */
  show(component: Component): void {
    const { gl } = this
    gl.bindFramebuffer(gl.FRAMEBUFFER, null)
    gl.viewport(0, 0, this.canvas.width, this.canvas.height)
    gl.disable(gl.BLEND)
    gl.useProgram(this.picture)
    for (const [unit, name] of ['seen', 'shares', 'mirrored'].entries()) {
      gl.activeTexture(gl.TEXTURE0 + unit)
      gl.bindTexture(gl.TEXTURE_2D, this.layers[unit]!)
      gl.uniform1i(gl.getUniformLocation(this.picture, name), unit)
    }
    gl.uniform1i(gl.getUniformLocation(this.picture, 'component'), COMPONENTS.indexOf(component))
    gl.uniform1f(gl.getUniformLocation(this.picture, 'nearest'), this.nearest / this.near)
    gl.drawArrays(gl.TRIANGLES, 0, 3)
  }

  /** Gives back what the device holds. */
  close(): void {
    this.gl.getExtension('WEBGL_lose_context')?.loseContext()
  }

  private ready(): boolean {
    const { gl, fence } = this
    if (!fence) return true
    const state = gl.clientWaitSync(fence.sync, 0, 0)
    if (state === gl.TIMEOUT_EXPIRED) return false
    const took = performance.now() - fence.since
    if (took > SLOW) this.batch = Math.max(LEAST_BATCH, Math.floor(this.batch * 0.7))
    else if (took < SLOW / 2) this.batch = Math.floor(this.batch * 1.3)
    gl.deleteSync(fence.sync)
    this.fence = undefined
    return true
  }

  private drawBatch(frame: Frame): void {
    const { gl } = this
    const [width, height] = this.size
    const { matrix: m, tangents } = frame.view
    const at = (name: string) => gl.getUniformLocation(this.gaussian, name)
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.target)
    gl.viewport(0, 0, width, height)
    gl.enable(gl.BLEND)
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA)
    gl.useProgram(this.gaussian)
    gl.activeTexture(gl.TEXTURE0)
    gl.bindTexture(gl.TEXTURE_2D, this.geometry)
    gl.activeTexture(gl.TEXTURE1)
    gl.bindTexture(gl.TEXTURE_2D, this.colours)
    gl.uniform1i(at('geometry'), 0)
    gl.uniform1i(at('colours'), 1)
    // Rows of the view, and what WebGL has for the last: columns first.
    const columns = [0, 1, 2, 3].flatMap((column) => [m[column]!, m[4 + column]!, m[8 + column]!, column === 3 ? 1 : 0])
    gl.uniformMatrix4fv(at('view'), false, columns)
    gl.uniform2f(at('focal'), width / 2 / tangents[0], height / 2 / tangents[1])
    gl.uniform2f(at('size'), width, height)
    gl.uniform1f(at('near'), this.near)
    gl.uniform1i(at('antialiased'), this.antialiased ? 1 : 0)
    const index = gl.getAttribLocation(this.gaussian, 'index')
    gl.bindBuffer(gl.ARRAY_BUFFER, this.indices)
    gl.enableVertexAttribArray(index)
    gl.vertexAttribIPointer(index, 1, gl.UNSIGNED_INT, 0, 4 * frame.drawn)
    gl.vertexAttribDivisor(index, 1)
    const batch = Math.min(this.batch, this.count - frame.drawn)
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, batch)
    gl.disableVertexAttribArray(index)
    frame.drawn += batch
    const sync = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0)
    gl.flush()
    if (sync) this.fence = { sync, since: performance.now() }
  }

  private resize(scale: number): void {
    const { gl } = this
    const size: [number, number] = [
      Math.max(1, Math.round(this.canvas.width * scale)),
      Math.max(1, Math.round(this.canvas.height * scale)),
    ]
    if (size[0] === this.size[0] && size[1] === this.size[1]) return
    this.size = size
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.target)
    const attachments = this.layers.map((layer, i) => {
      const attachment = gl.COLOR_ATTACHMENT0 + i
      upload(gl, layer, gl.RGBA16F, { width: size[0], height: size[1] }, gl.RGBA, gl.HALF_FLOAT, null, gl.LINEAR)
      gl.framebufferTexture2D(gl.FRAMEBUFFER, attachment, gl.TEXTURE_2D, layer, 0)
      return attachment
    })
    gl.drawBuffers(attachments)
  }
}

function textureSize(gl: WebGL2RenderingContext, texels: number): { width: number; height: number } {
  const width = Math.min(gl.getParameter(gl.MAX_TEXTURE_SIZE) as number, 4096)
  return { width, height: Math.max(1, Math.ceil(texels / width)) }
}

function upload(
  gl: WebGL2RenderingContext,
  texture: WebGLTexture,
  internal: number,
  { width, height }: { width: number; height: number },
  format: number,
  type: number,
  data: ArrayBufferView | null,
  filter: number = gl.NEAREST,
): void {
  gl.activeTexture(gl.TEXTURE0)
  gl.bindTexture(gl.TEXTURE_2D, texture)
  gl.texImage2D(gl.TEXTURE_2D, 0, internal, width, height, 0, format, type, data)
  for (const [name, value] of [
    [gl.TEXTURE_MIN_FILTER, filter],
    [gl.TEXTURE_MAG_FILTER, filter],
    [gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE],
    [gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE],
  ] as const) {
    gl.texParameteri(gl.TEXTURE_2D, name, value)
  }
}
