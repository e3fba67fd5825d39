// Scenes and models from the gateway's store.

import { api } from '../api/client'
import { asPly } from './fits'
import { textInZip, type Bytes } from './zip'

/** The PLY of a stored model. */
export function modelFile(model: string): Promise<Blob> {
  return api.blob(content(model))
}

/** The PLY of a stored model in another format. */
export async function convertedFile(model: string): Promise<Blob> {
  return modelFile(await asPly(model))
}

/** The cameras of a scene's zip, as text; undefined where it has them in another form. */
export function transformsOf(read: Bytes): Promise<string | undefined> {
  return textInZip(read, 'transforms.json').catch(() => undefined)
}

/** The bytes of a stored file, asked for by range. */
export function stored(artifact: string): Bytes {
  return async (start, end) => {
    const range = start < 0 ? `bytes=${start}` : `bytes=${start}-${end === undefined ? '' : end - 1}`
    return (await api.blob(content(artifact), { headers: { Range: range } })).arrayBuffer()
  }
}

export function content(artifact: string): string {
  return `/v1/artifacts/${artifact}/content`
}
