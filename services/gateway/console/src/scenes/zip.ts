// One file of a zip archive, without reading the others. Source: PKWARE's APPNOTE 6.3.

/** Answers the bytes from `start` to before `end`; both may count from the end, as those of `slice`. */
export type Bytes = (start: number, end?: number) => Promise<ArrayBuffer>

/** The end record with the longest comment. */
const TAIL = 22 + 0xffff
const END = 0x06054b50
const ENTRY = 0x02014b50
const DEFLATED = 8

/** The text of the file whose name ends with `suffix`; undefined where there is none. */
export async function textInZip(read: Bytes, suffix: string): Promise<string | undefined> {
  const tail = new DataView(await read(-TAIL))
  let end = tail.byteLength - 22
  while (end >= 0 && tail.getUint32(end, true) !== END) end--
  if (end < 0) return undefined
  const directory = new DataView(
    await read(tail.getUint32(end + 16, true), tail.getUint32(end + 16, true) + tail.getUint32(end + 12, true)),
  )
  for (let at = 0; at + 46 <= directory.byteLength && directory.getUint32(at, true) === ENTRY;) {
    const nameLength = directory.getUint16(at + 28, true)
    const name = new TextDecoder().decode(new Uint8Array(directory.buffer, at + 46, nameLength))
    if (name.endsWith(suffix)) {
      return inflated(
        read,
        directory.getUint32(at + 42, true),
        directory.getUint32(at + 20, true),
        directory.getUint16(at + 10, true),
      )
    }
    at += 46 + nameLength + directory.getUint16(at + 30, true) + directory.getUint16(at + 32, true)
  }
  return undefined
}

async function inflated(read: Bytes, offset: number, size: number, method: number): Promise<string> {
  const local = new DataView(await read(offset, offset + 30))
  const start = offset + 30 + local.getUint16(26, true) + local.getUint16(28, true)
  const data = new Blob([await read(start, start + size)])
  if (method !== DEFLATED) return data.text()
  return new Response(data.stream().pipeThrough(new DecompressionStream('deflate-raw'))).text()
}
