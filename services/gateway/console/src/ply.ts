// PLY as a table of numbers: ascii and both byte orders, the `vertex` element. Source: G. Turk, 1994.

export interface Table {
  /** Rows. */
  count: number
  /** Names of the columns, in order. */
  names: string[]
  /** [count × names.length], a row after the other. */
  values: Float32Array | Float64Array
  /** Lines of the header that say something about the file. */
  comments: string[]
}

interface Property {
  name: string
  type: string
}

interface Element {
  name: string
  count: number
  properties: Property[]
  lists: boolean
}

const HEADER_BYTES = 64 << 10
const SIZES: Record<string, number> = { i1: 1, u1: 1, i2: 2, u2: 2, i4: 4, u4: 4, f4: 4, f8: 8 }
const TYPES: Record<string, string> = {
  ...{ char: 'i1', uchar: 'u1', short: 'i2', ushort: 'u2', int: 'i4', uint: 'u4', float: 'f4', double: 'f8' },
  ...{ int8: 'i1', uint8: 'u1', int16: 'i2', uint16: 'u2', int32: 'i4', uint32: 'u4', float32: 'f4', float64: 'f8' },
}

/** The vertices of a PLY file. Throws an Error that says what cannot be read. */
export function readPly(buffer: ArrayBuffer): Table {
  const { format, elements, comments, start } = header(buffer)
  const index = elements.findIndex((element) => element.name === 'vertex')
  const vertex = elements[index]
  if (vertex === undefined || vertex.properties.length === 0) throw new Error('this PLY has no vertices')
  const before = elements.slice(0, index)
  const list = [...before, vertex].find((element) => element.lists)
  if (list) throw new Error(`element ${list.name} of this PLY has a list, where plain numbers are read`)
  const values =
    format === 'ascii'
      ? asciiValues(buffer, start, before, vertex)
      : binaryValues(buffer, start, before, vertex, format === 'binary_little_endian')
  return { count: vertex.count, names: vertex.properties.map((property) => property.name), values, comments }
}

/** Index of each of these columns. Throws an Error naming the first that is missing. */
export function columns(table: Table, names: string[]): number[] {
  return names.map((name) => {
    const found = table.names.indexOf(name)
    if (found < 0) throw new Error(`this PLY has no property ${name}`)
    return found
  })
}

function header(buffer: ArrayBuffer) {
  const text = new TextDecoder('latin1').decode(new Uint8Array(buffer, 0, Math.min(HEADER_BYTES, buffer.byteLength)))
  const end = /\nend_header[ \t]*\r?\n/.exec(text)
  if (!text.startsWith('ply') || end === null) throw new Error('this is no PLY file')
  let format = ''
  const elements: Element[] = []
  const comments: string[] = []
  for (const line of text.slice(0, end.index).split('\n').slice(1)) {
    const words = line.trim().split(/\s+/)
    const element = elements.at(-1)
    if (words[0] === 'format') format = words[1] ?? ''
    else if (words[0] === 'comment') comments.push(line.trim().slice('comment'.length).trim())
    else if (words[0] === 'element') {
      elements.push({ name: words[1] ?? '', count: Number(words[2]), properties: [], lists: false })
    } else if (words[0] === 'property' && element) {
      const type = TYPES[words[1] ?? '']
      if (words[1] === 'list') element.lists = true
      else if (type === undefined) throw new Error(`this PLY has a property of type ${words[1]}`)
      else element.properties.push({ name: words[2] ?? '', type })
    }
  }
  if (!['ascii', 'binary_little_endian', 'binary_big_endian'].includes(format)) {
    throw new Error(`this PLY is written as ${format || 'nothing known'}`)
  }
  return { format, elements, comments, start: end.index + end[0].length }
}

function asciiValues(buffer: ArrayBuffer, start: number, before: Element[], vertex: Element): Float64Array {
  const words = new TextDecoder().decode(new Uint8Array(buffer, start)).split(/\s+/).filter(Boolean)
  const skipped = before.reduce((sum, element) => sum + element.count * element.properties.length, 0)
  const wanted = vertex.count * vertex.properties.length
  if (words.length < skipped + wanted) throw new Error('this PLY ends before its last vertex')
  return Float64Array.from({ length: wanted }, (_, index) => Number(words[skipped + index]))
}

function binaryValues(buffer: ArrayBuffer, start: number, before: Element[], vertex: Element, little: boolean) {
  const first = before.reduce((sum, element) => sum + element.count * rowBytes(element), start)
  const width = vertex.properties.length
  if (buffer.byteLength < first + vertex.count * rowBytes(vertex)) {
    throw new Error('this PLY ends before its last vertex')
  }
  if (little && vertex.properties.every((property) => property.type === 'f4')) {
    return new Float32Array(buffer.slice(first, first + 4 * width * vertex.count))
  }
  const view = new DataView(buffer)
  const values = new Float64Array(vertex.count * width)
  let offset = first
  for (let row = 0, at = 0; row < vertex.count; row++) {
    for (const { type } of vertex.properties) {
      values[at++] = number(view, offset, type, little)
      offset += SIZES[type]!
    }
  }
  return values
}

function rowBytes(element: Element): number {
  return element.properties.reduce((sum, property) => sum + SIZES[property.type]!, 0)
}

function number(view: DataView, offset: number, type: string, little: boolean): number {
  switch (type) {
    case 'i1':
      return view.getInt8(offset)
    case 'u1':
      return view.getUint8(offset)
    case 'i2':
      return view.getInt16(offset, little)
    case 'u2':
      return view.getUint16(offset, little)
    case 'i4':
      return view.getInt32(offset, little)
    case 'u4':
      return view.getUint32(offset, little)
    case 'f4':
      return view.getFloat32(offset, little)
    default:
      return view.getFloat64(offset, little)
  }
}
