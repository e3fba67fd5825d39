/** The safetensors format, as far as the gateway answers it: eight bytes of length, a JSON header, the tensors. */

import type { Tensor } from '../tensors'

export interface Tensors {
  metadata: Record<string, string>
  tensors: Record<string, Tensor>
}

const KINDS = { F32: Float32Array, F64: Float64Array } as const

export function readSafetensors(bytes: ArrayBuffer): Tensors {
  const length = Number(new DataView(bytes).getBigUint64(0, true))
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 8, length)))
  const { __metadata__: metadata = {}, ...described } = header
  const tensors: Record<string, Tensor> = {}
  for (const [name, about] of Object.entries(described)) {
    const { dtype, shape, data_offsets } = about as { dtype: string; shape: number[]; data_offsets: [number, number] }
    const kind = KINDS[dtype as keyof typeof KINDS]
    if (!kind) throw new RangeError(`a tensor of ${dtype}; known are ${Object.keys(KINDS).join(', ')}`)
    // A copy, as a tensor may begin where no number of its size can.
    const own = bytes.slice(8 + length + data_offsets[0], 8 + length + data_offsets[1])
    tensors[name] = { shape, values: new kind(own) }
  }
  return { metadata, tensors }
}
