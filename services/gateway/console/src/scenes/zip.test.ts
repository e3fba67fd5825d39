import { describe, expect, it } from 'vitest'
import { textInZip, type Bytes } from './zip'

/** An archive of these files: name, bytes as they are written, and method. */
function of(files: [string, Uint8Array, number][]): Uint8Array {
  const parts: Uint8Array[] = []
  const directory: Uint8Array[] = []
  let offset = 0
  for (const [name, data, method] of files) {
    const label = new TextEncoder().encode(name)
    const local = new DataView(new ArrayBuffer(30))
    local.setUint32(0, 0x04034b50, true)
    local.setUint16(8, method, true)
    local.setUint32(18, data.length, true)
    local.setUint16(26, label.length, true)
    const entry = new DataView(new ArrayBuffer(46))
    entry.setUint32(0, 0x02014b50, true)
    entry.setUint16(10, method, true)
    entry.setUint32(20, data.length, true)
    entry.setUint16(28, label.length, true)
    entry.setUint32(42, offset, true)
    parts.push(new Uint8Array(local.buffer), label, data)
    directory.push(new Uint8Array(entry.buffer), label)
    offset += 30 + label.length + data.length
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0)
  const end = new DataView(new ArrayBuffer(22))
  end.setUint32(0, 0x06054b50, true)
  end.setUint16(10, files.length, true)
  end.setUint32(12, size, true)
  end.setUint32(16, offset, true)
  const all = [...parts, ...directory, new Uint8Array(end.buffer)]
  return Uint8Array.from(all.flatMap((part) => [...part]))
}

async function deflated(text: string): Promise<Uint8Array> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream('deflate-raw'))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

const reading =
  (archive: Uint8Array): Bytes =>
  async (start, end) =>
    archive.slice(start, end).buffer

describe('textInZip', () => {
  it('finds a file that is deflated, behind others', async () => {
    const archive = of([
      ['scene/images/0.png', Uint8Array.of(1, 2, 3), 0],
      ['scene/transforms.json', await deflated('{"frames": []}'), 8],
    ])
    expect(await textInZip(reading(archive), 'transforms.json')).toBe('{"frames": []}')
  })

  it('finds a file that is stored', async () => {
    const archive = of([['transforms.json', new TextEncoder().encode('{}'), 0]])
    expect(await textInZip(reading(archive), 'transforms.json')).toBe('{}')
  })

  it('answers nothing where there is none, and of what is no zip', async () => {
    expect(await textInZip(reading(of([['a', Uint8Array.of(1), 0]])), 'transforms.json')).toBeUndefined()
    expect(await textInZip(reading(new Uint8Array(100)), 'transforms.json')).toBeUndefined()
  })
})
