// Files sent in parts that can be sent again, by tus 1.0.

import { textOf } from '../base64'
import { api } from './client'
import { EmptyFile, Unreachable } from './problem'

const TUS = { 'Tus-Resumable': '1.0.0' }
const PART_BYTES = 8 << 20
/** Times that a part is sent again after a connection broke. */
const RETRIES = 4

/** Stores a file, and answers the id of its artifact. `tell` hears the part that has arrived, 0 to 1. Raises Problem. */
export async function upload(
  file: File,
  tell: (part: number) => void = () => {},
  signal?: AbortSignal,
): Promise<string> {
  if (!file.size) throw new EmptyFile()
  const asking = signal ? { signal } : {}
  const metadata = `filename ${textOf(new TextEncoder().encode(file.name))}`
  const begun = await api.answer('POST', '/v1/uploads', undefined, {
    ...asking,
    headers: { ...TUS, 'Upload-Length': String(file.size), 'Upload-Metadata': metadata },
  })
  const place = new URL(begun.headers.get('Location')!, location.href).pathname
  let failures = 0
  for (let offset = 0; ;) {
    try {
      const headers = { ...TUS, 'Upload-Offset': String(offset), 'Content-Type': 'application/offset+octet-stream' }
      const sent = await api.answer('PATCH', place, file.slice(offset, offset + PART_BYTES), { ...asking, headers })
      offset = Number(sent.headers.get('Upload-Offset'))
      tell(offset / file.size)
      const artifact = sent.headers.get('Tellurion-Artifact')
      if (artifact) return artifact
    } catch (error) {
      if (!(error instanceof Unreachable) || ++failures > RETRIES) throw error
      const stands = await api.answer('HEAD', place, undefined, { ...asking, headers: TUS })
      offset = Number(stands.headers.get('Upload-Offset'))
    }
  }
}
