// Arrays in messages: a small one whole, a larger one in chunks, each with its CRC-32C (Castagnoli).

import { bytesOf, textOf } from './base64'

const TYPES = {
  DATA_TYPE_UINT8: Uint8Array,
  DATA_TYPE_INT32: Int32Array,
  DATA_TYPE_FLOAT32: Float32Array,
  DATA_TYPE_FLOAT64: Float64Array,
} as const
type DataType = keyof typeof TYPES
export type Values = Uint8Array | Int32Array | Float32Array | Float64Array

interface Header {
  name: string
  data_type: DataType
  /** 64-bit numbers are texts in the JSON of protobuf. */
  shape: (string | number)[]
  byte_order: 'BYTE_ORDER_LITTLE_ENDIAN' | 'BYTE_ORDER_BIG_ENDIAN'
  total_bytes: string | number
  crc32c: number
}

export interface TensorPart {
  inline?: { header: Header; data: string }
  header?: Header
  chunk?: string
}

export interface Tensor {
  shape: number[]
  values: Values
}

const INLINE_BYTES = 1 << 20
const CHUNK_BYTES = 512 << 10

/** The parts of an array, of rows where `shape` has two extents. */
export function encoded(name: string, values: Values, shape: number[]): TensorPart[] {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  const type = (Object.keys(TYPES) as DataType[]).find((key) => values instanceof TYPES[key])!
  const header: Header = {
    name,
    data_type: type,
    shape,
    byte_order: 'BYTE_ORDER_LITTLE_ENDIAN',
    total_bytes: bytes.length,
    crc32c: crc32c(bytes),
  }
  if (bytes.length <= INLINE_BYTES) return [{ inline: { header, data: textOf(bytes) } }]
  const chunks: TensorPart[] = []
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
    chunks.push({ chunk: textOf(bytes.subarray(start, start + CHUNK_BYTES)) })
  }
  return [{ header }, ...chunks]
}

/** Puts parts that arrive one by one together. */
export class TensorReader {
  readonly tensors = new Map<string, Tensor>()
  private header: Header | undefined
  private chunks: Uint8Array[] = []
  private missing = 0

  /** Throws an Error where a tensor arrived damaged. */
  feed(part: TensorPart): void {
    if (part.inline) this.keep(part.inline.header, bytesOf(part.inline.data))
    else if (part.header) {
      this.header = part.header
      this.chunks = []
      this.missing = Number(part.header.total_bytes)
    } else if (part.chunk !== undefined && this.header) {
      const bytes = bytesOf(part.chunk)
      this.chunks.push(bytes)
      this.missing -= bytes.length
      if (this.missing <= 0) this.keep(this.header, joined(this.chunks))
    }
  }

  private keep(header: Header, bytes: Uint8Array): void {
    const kind = TYPES[header.data_type]
    const whole = bytes.length === Number(header.total_bytes) && crc32c(bytes) === header.crc32c
    if (!whole) throw new Error(`the array ${header.name} arrived damaged; ask again`)
    if (kind === undefined || header.byte_order !== 'BYTE_ORDER_LITTLE_ENDIAN') {
      throw new Error(`the array ${header.name} is written in a way that is not read here`)
    }
    const values = new kind(bytes.slice().buffer)
    this.tensors.set(header.name, { shape: header.shape.map(Number), values })
    this.header = undefined
  }
}

function joined(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1
  return value
})

export function crc32c(bytes: Uint8Array): number {
  let value = 0xffffffff
  for (let i = 0; i < bytes.length; i++) value = TABLE[(value ^ bytes[i]!) & 0xff]! ^ (value >>> 8)
  return (value ^ 0xffffffff) >>> 0
}
