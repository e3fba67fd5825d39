import { expect, it } from 'vitest'
import { readSafetensors } from './safetensors'

function file(header: object, body: ArrayBuffer): ArrayBuffer {
  const text = new TextEncoder().encode(JSON.stringify(header))
  const bytes = new Uint8Array(8 + text.length + body.byteLength)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true)
  bytes.set(text, 8)
  bytes.set(new Uint8Array(body), 8 + text.length)
  return bytes.buffer
}

it('reads tensors wherever they begin, and the metadata', () => {
  const body = new Float32Array([1.5, -2, NaN]).buffer
  const header = { __metadata__: { units: 'degC' }, t: { dtype: 'F32', shape: [3], data_offsets: [0, 12] } }
  const { metadata, tensors } = readSafetensors(file(header, body))
  expect(metadata).toEqual({ units: 'degC' })
  expect(tensors['t']!.shape).toEqual([3])
  expect([...tensors['t']!.values]).toEqual([1.5, -2, NaN])
})

it('says which kinds of numbers it knows', () => {
  const header = { t: { dtype: 'I64', shape: [1], data_offsets: [0, 8] } }
  expect(() => readSafetensors(file(header, new ArrayBuffer(8)))).toThrow('a tensor of I64; known are F32, F64')
})
