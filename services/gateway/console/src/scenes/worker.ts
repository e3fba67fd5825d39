// Reads Gaussians, sorts them and computes their colours, so that the page itself never waits for that.

import { overview } from '../look/camera'
import type { View } from '../look/view'
import { readPly } from '../ply'
import { gaussians, STRIDE, type Gaussians } from './gaussians'
import { basis, newBasis, packedColour } from './harmonics'
import { growth, importance, type Importance } from './importance'
import type { Asked, Sort, Told } from './messages'
import { order } from './sorting'
import { CHANNELS, padded } from './texels'

/** Part of the Gaussians at either end that may be far away from all that matters. */
const FLOATERS = 0.1

let model: (Gaussians & { importance: Importance }) | undefined

self.onmessage = async ({ data }: MessageEvent<Asked>) => {
  try {
    if (data.kind === 'load') await load(data.file)
    else sort(data)
  } catch (error) {
    tell({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) }, [])
  }
}

async function load(file: Blob) {
  const read = gaussians(readPly(await file.arrayBuffer()))
  model = { ...read, importance: importance(read.geometry) }
  const { count, degree, antialiased } = model
  const geometry = new Float32Array(padded((STRIDE / CHANNELS) * count))
  geometry.set(model.geometry)
  const reflective = model.reflected !== undefined
  const from = overview(model.geometry, STRIDE, FLOATERS)
  tell({ kind: 'loaded', count, geometry, reflective, degree, antialiased, overview: from }, [geometry.buffer])
}

function sort({ view, near, most }: Sort) {
  if (!model) return
  const { indices, nearest } = order(model.geometry, view, near, { ranks: model.importance.ranks, most })
  const texels = drawn(model, indices, view)
  tell({ kind: 'sorted', texels, count: indices.length, nearest, growth: growth(model.importance, most) }, [
    texels.buffer,
  ])
}

function drawn({ geometry, transmitted, reflected }: Gaussians, indices: Uint32Array, { position }: View): Uint32Array {
  const texels = new Uint32Array(padded(indices.length))
  const values = newBasis()
  for (let i = 0, to = 0; i < indices.length; i++, to += CHANNELS) {
    const row = indices[i]!
    const at = row * STRIDE
    basis(geometry[at]! - position[0], geometry[at + 1]! - position[1], geometry[at + 2]! - position[2], values)
    texels[to] = row
    texels[to + 1] = packedColour(transmitted, row, values)
    if (reflected) texels[to + 2] = packedColour(reflected, row, values)
  }
  return texels
}

function tell(message: Told, transfer: Transferable[]) {
  self.postMessage(message, { transfer })
}
