// The textures that Gaussians are composited into, and what they have in common with others.

export class Layers {
  readonly textures: WebGLTexture[]
  width = 0
  height = 0
  private readonly framebuffer: WebGLFramebuffer

  constructor(private readonly gl: WebGL2RenderingContext) {
    this.textures = [0, 1, 2].map(() => gl.createTexture())
    this.framebuffer = gl.createFramebuffer()
  }

  /** Whatever is drawn from now on is drawn here. */
  bind(): void {
    this.gl.bindFramebuffer(this.gl.FRAMEBUFFER, this.framebuffer)
    this.gl.viewport(0, 0, this.width, this.height)
  }

  /** Makes them empty, and of this size in pixels. */
  clear(width: number, height: number): void {
    const { gl } = this
    if (width !== this.width || height !== this.height) this.resize(width, height)
    this.bind()
    gl.clearColor(0, 0, 0, 0)
    gl.clear(gl.COLOR_BUFFER_BIT)
  }

  private resize(width: number, height: number): void {
    const { gl } = this
    this.width = width
    this.height = height
    this.bind()
    const attachments = this.textures.map((texture, i) => {
      upload(gl, texture, gl.RGBA16F, { width, height }, gl.RGBA, gl.HALF_FLOAT, null)
      const attachment = gl.COLOR_ATTACHMENT0 + i
      gl.framebufferTexture2D(gl.FRAMEBUFFER, attachment, gl.TEXTURE_2D, texture, 0)
      return attachment
    })
    gl.drawBuffers(attachments)
  }
}

export function upload(
  gl: WebGL2RenderingContext,
  texture: WebGLTexture,
  internal: number,
  { width, height }: { width: number; height: number },
  format: number,
  type: number,
  data: ArrayBufferView | null,
): void {
  gl.activeTexture(gl.TEXTURE0)
  gl.bindTexture(gl.TEXTURE_2D, texture)
  gl.texImage2D(gl.TEXTURE_2D, 0, internal, width, height, 0, format, type, data)
  for (const [name, value] of [
    [gl.TEXTURE_MIN_FILTER, gl.NEAREST],
    [gl.TEXTURE_MAG_FILTER, gl.NEAREST],
    [gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE],
    [gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE],
  ] as const) {
    gl.texParameteri(gl.TEXTURE_2D, name, value)
  }
}
