/** Files from the gateway, saved by the browser. */

import { api, type Asking } from './client'

/** Saves what a path answers. A plain link could not carry the key, which must stand in no address. */
export async function download(path: string, name: string, asking: Asking = {}): Promise<void> {
  save(await api.blob(path, asking), name)
}

export function save(content: Blob, name: string): void {
  const address = URL.createObjectURL(content)
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 60_000) // by then the browser has begun to read it
}
