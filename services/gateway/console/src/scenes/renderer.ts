// Draws sorted Gaussians with WebGL 2, a batch at a time, so that a slow device never holds up the page.
//
// Compositing goes on from one batch to the next, over several animation frames where it must, and what was drawn before
// stays meanwhile. While the camera moves the picture is a draft, of as many pixels and Gaussians as the device draws in
// time; the canvas has no more pixels than the picture, as a browser without a GPU copies each of them.

import { program } from '../look/gl'
import type { View } from '../look/view'
import { Layers, upload } from './layers'
import type { Loaded, Sorted } from './messages'
import { Batch, Draft } from './pace'
import { GAUSSIAN_FRAGMENT, GAUSSIAN_VERTEX, PICTURE_FRAGMENT, PICTURE_VERTEX } from './shaders'
import { CHANNELS, WIDTH } from './texels'

export const COMPONENTS = ['all', 'transmitted', 'reflected', 'depth'] as const
export type Component = (typeof COMPONENTS)[number]
export type Quality = 'draft' | 'whole'

/** As many have corners that 16 bits can count. They are no instances: software takes five times as long for those. */
const QUADS = 1 << 14

export interface Size {
  width: number
  height: number
}

interface Frame {
  view: View
  quality: Quality
  /** Gaussians that are drawn. */
  drawn: number
  began: number
}

export class Renderer {
  private readonly gl: WebGL2RenderingContext
  private readonly gaussian: WebGLProgram
  private readonly picture: WebGLProgram
  private readonly geometry: WebGLTexture
  private readonly sorted: WebGLTexture
  /** The picture that is complete, and the one that is being drawn. */
  private front: Layers
  private back: Layers
  private count = 0
  private growth = 1
  private nearest = 1
  private shownNearest = 1
  private antialiased = false
  private draft = new Draft(0)
  private readonly batches: Record<Quality, Batch> = { draft: new Batch(), whole: new Batch() }
  private frame: Frame | undefined
  private fence: { sync: WebGLSync; since: number; batch: Batch } | undefined

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
    this.geometry = gl.createTexture()
    this.sorted = gl.createTexture()
    this.front = new Layers(gl)
    this.back = new Layers(gl)
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer())
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, corners(), gl.STATIC_DRAW)
  }

  /** Takes a model up. Throws an Error where it is too large for the device. */
  load(model: Loaded): void {
    const { gl } = this
    const height = model.geometry.length / CHANNELS / WIDTH
    if (height > (gl.getParameter(gl.MAX_TEXTURE_SIZE) as number)) {
      throw new Error(`this device cannot hold ${model.count} Gaussians`)
    }
    upload(gl, this.geometry, gl.RGBA32F, { width: WIDTH, height }, gl.RGBA, gl.FLOAT, model.geometry)
    this.antialiased = model.antialiased
    this.draft = new Draft(model.count)
  }

  /** Gaussians that a draft has time for. */
  get affordable(): number {
    return this.draft.most
  }

  order({ texels, count, nearest, growth }: Sorted): void {
    const { gl } = this
    const size = { width: WIDTH, height: texels.length / CHANNELS / WIDTH }
    upload(gl, this.sorted, gl.RGBA32UI, size, gl.RGBA_INTEGER, gl.UNSIGNED_INT, texels)
    this.count = count
    this.nearest = nearest
    this.growth = growth
  }

  /** Begins a picture, in place of one that is being drawn; a draft of this size has fewer pixels. */
  begin(view: View, quality: Quality, { width, height }: Size): void {
    const scale = quality === 'whole' ? 1 : this.draft.scale
    const side = (pixels: number) => Math.max(1, Math.round(pixels * scale))
    this.back.clear(side(width), side(height))
    this.frame = { view, quality, drawn: 0, began: performance.now() }
  }

  /** The picture that is being drawn. */
  get drawing(): Quality | undefined {
    return this.frame?.quality
  }

  /** Draws as much as there is time for; true when a picture has been shown. */
  step(component: Component): boolean {
    const { frame } = this
    if (!frame || !this.ready()) return false
    if (frame.drawn < this.count) {
      this.drawBatch(frame)
      return false
    }
    ;[this.front, this.back] = [this.back, this.front]
    this.shownNearest = this.nearest
    this.show(component)
    if (frame.quality === 'draft') this.draft.took(performance.now() - frame.began)
    this.frame = undefined
    return true
  }

  /** Shows another component of the last picture. */
  show(component: Component): void {
    const { gl } = this
    if (this.front.width === 0) return
    const { width, height } = this.front
    if (width !== this.canvas.width || height !== this.canvas.height) Object.assign(this.canvas, { width, height })
    gl.bindFramebuffer(gl.FRAMEBUFFER, null)
    gl.viewport(0, 0, width, height)
    gl.disable(gl.BLEND)
    gl.useProgram(this.picture)
    for (const [unit, name] of ['seen', 'shares', 'mirrored'].entries()) {
      gl.activeTexture(gl.TEXTURE0 + unit)
      gl.bindTexture(gl.TEXTURE_2D, this.front.textures[unit]!)
      gl.uniform1i(gl.getUniformLocation(this.picture, name), unit)
    }
    gl.uniform1i(gl.getUniformLocation(this.picture, 'component'), COMPONENTS.indexOf(component))
    gl.uniform1f(gl.getUniformLocation(this.picture, 'nearest'), this.shownNearest / this.near)
    gl.drawArrays(gl.TRIANGLES, 0, 3)
  }

  /** Gives back what the device holds. */
  close(): void {
    this.gl.getExtension('WEBGL_lose_context')?.loseContext()
  }

  /** Whether the device has drawn what it was given. */
  private ready(): boolean {
    const { gl, fence } = this
    if (!fence) return true
    if (gl.clientWaitSync(fence.sync, 0, 0) === gl.TIMEOUT_EXPIRED) return false
    fence.batch.took(performance.now() - fence.since)
    gl.deleteSync(fence.sync)
    this.fence = undefined
    return true
  }

  private drawBatch(frame: Frame): void {
    const { gl } = this
    const { matrix: m, tangents } = frame.view
    const { width, height } = this.back
    const at = (name: string) => gl.getUniformLocation(this.gaussian, name)
    this.back.bind()
    gl.enable(gl.BLEND)
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA)
    gl.useProgram(this.gaussian)
    for (const [unit, [name, texture]] of (
      [
        ['geometry', this.geometry],
        ['sorted', this.sorted],
      ] as const
    ).entries()) {
      gl.activeTexture(gl.TEXTURE0 + unit)
      gl.bindTexture(gl.TEXTURE_2D, texture)
      gl.uniform1i(at(name), unit)
    }
    // Rows of the view, and what WebGL has for the last: columns first.
    const columns = [0, 1, 2, 3].flatMap((column) => [m[column]!, m[4 + column]!, m[8 + column]!, column === 3 ? 1 : 0])
    gl.uniformMatrix4fv(at('view'), false, columns)
    gl.uniform2f(at('focal'), width / 2 / tangents[0], height / 2 / tangents[1])
    gl.uniform2f(at('size'), width, height)
    gl.uniform1f(at('near'), this.near)
    gl.uniform1f(at('growth'), this.growth)
    gl.uniform1i(at('antialiased'), this.antialiased ? 1 : 0)
    const batch = this.batches[frame.quality]
    const end = Math.min(frame.drawn + batch.size, this.count)
    while (frame.drawn < end) {
      const quads = Math.min(QUADS, end - frame.drawn)
      gl.uniform1ui(at('first'), frame.drawn)
      gl.drawElements(gl.TRIANGLES, 6 * quads, gl.UNSIGNED_SHORT, 0)
      frame.drawn += quads
    }
    const sync = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0)
    gl.flush()
    if (sync) this.fence = { sync, since: performance.now(), batch }
  }
}

/** Two triangles for each four corners. */
function corners(): Uint16Array {
  return Uint16Array.from({ length: 6 * QUADS }, (_, i) => 4 * Math.floor(i / 6) + [0, 1, 2, 2, 1, 3][i % 6]!)
}
