import { describe, expect, it } from 'vitest'
import { ofPly, ofText, writtenPly } from './cloud'
import { labelOf } from './Examples'
import { boxShape, place } from './shapes'

describe('clouds', () => {
  it('are read from text, without its headings', () => {
    expect([...ofText('x,y,z\n1, 2, 3\n4;5;6\n').points]).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('have colours where all rows end with three bytes', () => {
    expect([...ofText('0.5 1 2 255 0 7\n').colours!]).toEqual([255, 0, 7])
    expect(ofText('0.5 1 2 0.1 0.2 0.3\n').colours).toBeUndefined()
  })

  it('are read again as they were written', async () => {
    const file = writtenPly(Float64Array.of(1, 2, 3), Float64Array.of(0.1, 0.2, 0.3))
    expect([...ofPly(await file.arrayBuffer()).points]).toEqual([1, 2, 3, 0.1, 0.2, 0.3])
  })
})

describe('boxes', () => {
  const box = { label: 'sofa', score: 1, center: { x: 1, y: 2, z: 3 }, size: { x: 2, y: 4, z: 6 }, yaw: Math.PI / 2 }

  it('have twelve edges', () => {
    expect(boxShape([box]).places).toHaveLength(12 * 2 * 3)
  })

  it('are turned about z', () => {
    const corner = place(box, 0)
    // Half a length of 2 along y, and half a width of 4 along −x, from (1, 2): (3, 1).
    ;[3, 1, 0].forEach((value, axis) => expect(corner[axis]).toBeCloseTo(value, 12))
  })
})

describe('labelOf', () => {
  it.each([
    ['chair-1.ply', 'chair'],
    ['office chair 02.xyz', 'office chair'],
    ['7.ply', '7'],
  ])('of %s is %s', (name, label) => {
    expect(labelOf(name)).toBe(label)
  })
})
