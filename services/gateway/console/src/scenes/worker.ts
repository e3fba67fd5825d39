// Reads Gaussians, sorts them and computes their colours, so that the page itself never waits for that.

import type { View } from '../look/view'
import { readPly } from '../ply'
import { gaussians, STRIDE, type Gaussians } from './gaussians'
import { basis, newBasis, packedColour } from './harmonics'
import type { Asked, Told } from './messages'
import { order } from './sorting'

/** Colours are computed again when the camera has moved by this part of its distance from what is nearest. */
const STALE = 0.02

let model: Gaussians | undefined
let colouredFrom: [number, number, number] | undefined

self.onmessage = ({ data }: MessageEvent<Asked>) => {
  try {
    if (data.kind === 'load') load(data.file)
    else if (model) sort(model, data.view, data.near)
  } catch (error) {
    tell({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) }, [])
  }
}

function load(file: ArrayBuffer) {
  model = gaussians(readPly(file))
  colouredFrom = undefined
  const geometry = model.geometry.slice()
  const { count, degree, antialiased } = model
  const reflective = model.reflected !== undefined
  tell({ kind: 'loaded', count, geometry, reflective, degree, antialiased }, [geometry.buffer])
}

function sort(model: Gaussians, view: View, near: number) {
  const { indices, nearest } = order(model.geometry, view, near)
  const away = colouredFrom ? Math.hypot(...view.position.map((value, axis) => value - colouredFrom![axis]!)) : Infinity
  if (away <= STALE * nearest) {
    tell({ kind: 'sorted', indices, nearest }, [indices.buffer])
    return
  }
  colouredFrom = view.position
  const colours = coloured(model, view.position)
  tell({ kind: 'sorted', indices, nearest, colours }, [indices.buffer, colours.buffer])
}

function coloured(model: Gaussians, from: [number, number, number]): Uint32Array {
  const { geometry, transmitted, reflected, count } = model
  const colours = new Uint32Array(2 * count)
  const values = newBasis()
  for (let row = 0, at = 0; row < count; row++, at += STRIDE) {
    basis(geometry[at]! - from[0], geometry[at + 1]! - from[1], geometry[at + 2]! - from[2], values)
    colours[2 * row] = packedColour(transmitted, row, values)
    if (reflected) colours[2 * row + 1] = packedColour(reflected, row, values)
  }
  return colours
}

function tell(message: Told, transfer: Transferable[]) {
  self.postMessage(message, { transfer })
}
