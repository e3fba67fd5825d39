import { describe, expect, it } from 'vitest'
import { columns, readPly } from './ply'

function binary(header: string[], rows: (view: DataView) => void, bytes: number): ArrayBuffer {
  const text = new TextEncoder().encode(`ply\n${header.join('\n')}\nend_header\n`)
  const whole = new Uint8Array(text.length + bytes)
  whole.set(text)
  rows(new DataView(whole.buffer, text.length))
  return whole.buffer
}

const ascii = (text: string) => new TextEncoder().encode(text).buffer as ArrayBuffer

describe('readPly', () => {
  it('reads ascii, and leaves what stands before the vertices out', () => {
    const table = readPly(
      ascii(
        'ply\nformat ascii 1.0\ncomment of a test\nelement camera 1\nproperty float f\n' +
          'element vertex 2\nproperty float x\nproperty uchar red\nend_header\n7.5\n1.5 255\n-2 0\n',
      ),
    )
    expect(table).toMatchObject({ count: 2, names: ['x', 'red'], comments: ['of a test'] })
    expect([...table.values]).toEqual([1.5, 255, -2, 0])
  })

  it.each([
    ['binary_little_endian', true],
    ['binary_big_endian', false],
  ] as const)('reads %s with columns of several types', (format, little) => {
    const file = binary(
      [`format ${format} 1.0`, 'element vertex 1', 'property double x', 'property short n', 'property uchar red'],
      (view) => {
        view.setFloat64(0, 0.1, little)
        view.setInt16(8, -300, little)
        view.setUint8(10, 200)
      },
      11,
    )
    expect([...readPly(file).values]).toEqual([0.1, -300, 200])
  })

  it('reads a table of floats as it is', () => {
    const file = binary(
      ['format binary_little_endian 1.0', 'element vertex 2', 'property float x', 'property float y'],
      (view) => [1, 2, 3, 4].forEach((value, i) => view.setFloat32(4 * i, value, true)),
      16,
    )
    expect(readPly(file).values).toEqual(Float32Array.of(1, 2, 3, 4))
  })

  it.each([
    ['solid cube', 'no PLY'],
    ['ply\nformat ascii 1.0\nelement vertex 2\nproperty float x\nend_header\n1\n', 'ends before'],
    ['ply\nformat ascii 1.0\nelement face 0\nproperty list uchar int i\nend_header\n', 'no vertices'],
    ['ply\nformat ascii 1.0\nelement vertex 1\nproperty list uchar int i\nproperty float x\nend_header\n', 'list'],
  ])('says what is wrong with %j', (text, reason) => {
    expect(() => readPly(ascii(text))).toThrow(reason)
  })

  it('names the column that is missing', () => {
    const table = readPly(ascii('ply\nformat ascii 1.0\nelement vertex 0\nproperty float x\nend_header\n'))
    expect(() => columns(table, ['x', 'beta'])).toThrow('beta')
  })
})
