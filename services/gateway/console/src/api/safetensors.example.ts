/** Answers as the gateway gives them, for tests. */

/** A file of axes, float64, and of `values`, float32 zeros of this shape. */
export function safetensors(
  metadata: Record<string, string>,
  axes: Record<string, number[]>,
  shape: number[],
): ArrayBuffer {
  const count = shape.reduce((product, extent) => product * extent, 1)
  const parts = [
    ...Object.entries(axes).map(([name, axis]) => ({ name, dtype: 'F64', shape: [axis.length], of: Float64Array.from(axis) })),
    { name: 'values', dtype: 'F32', shape, of: new Float32Array(count) },
  ]
  let end = 0
  const header: Record<string, unknown> = { __metadata__: metadata }
  for (const { name, dtype, shape, of } of parts)
    header[name] = { dtype, shape, data_offsets: [end, (end += of.byteLength)] }
  const text = new TextEncoder().encode(JSON.stringify(header))
  const bytes = new Uint8Array(8 + text.length + end)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true)
  bytes.set(text, 8)
  let at = 8 + text.length
  for (const { of } of parts) {
    bytes.set(new Uint8Array(of.buffer), at)
    at += of.byteLength
  }
  return bytes.buffer
}
