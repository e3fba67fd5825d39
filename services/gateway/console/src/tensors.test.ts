import { describe, expect, it } from 'vitest'
import { crc32c, encoded, TensorReader, type TensorPart } from './tensors'

const read = (parts: TensorPart[]) => {
  const reader = new TensorReader()
  parts.forEach((part) => reader.feed(part))
  return reader.tensors
}

describe('crc32c', () => {
  it('has the check value of Castagnoli’s polynomial', () => {
    expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283)
  })

  it('is that of RFC 3720 for 32 bytes of zero', () => {
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
  })
})

describe('tensors', () => {
  it('come back as they were sent, in one part', () => {
    const parts = encoded('points', Float64Array.of(0.1, -2, 3e300), [1, 3])
    expect(parts).toHaveLength(1)
    expect(read(parts).get('points')).toEqual({ shape: [1, 3], values: Float64Array.of(0.1, -2, 3e300) })
  })

  it('come in chunks of half a MiB beyond one MiB', () => {
    const values = Float32Array.from({ length: 300_000 }, (_, i) => i)
    const parts = encoded('points', values, [100_000, 3])
    expect(parts.map((part) => Object.keys(part)[0])).toEqual(['header', 'chunk', 'chunk', 'chunk'])
    expect(read(parts).get('points')).toEqual({ shape: [100_000, 3], values })
  })

  it('are refused where a byte has changed', () => {
    const [part] = encoded('points', Uint8Array.of(1, 2, 3), [1, 3])
    part!.inline!.data = btoa('\x01\x02\x04')
    expect(() => read([part!])).toThrow('damaged')
  })
})
