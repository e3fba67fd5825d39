import { describe, expect, it } from 'vitest'
import { upwards, views } from './views'

const FRAME = {
  file_path: 'images/001.png',
  // At (0, −4, 0), looking along y with z up: in OpenGL's axes x is right, y is up, z is behind.
  transform_matrix: [
    [1, 0, 0, 0],
    [0, 0, -1, -4],
    [0, 1, 0, 0],
    [0, 0, 0, 1],
  ],
}

describe('views', () => {
  it('look where the photographs were taken, at the middle of the scene', () => {
    const [view] = views(JSON.stringify({ w: 100, h: 75, fl_x: 100, frames: [FRAME] }), [0, 0, 0])
    expect(view!.name).toBe('001')
    expect(view!.camera).toMatchObject({ distance: 4, tangent: 0.375 })
    expect(view!.camera.forward).toEqual([0, 1, 0].map((value) => expect.closeTo(value, 12)))
    expect(upwards([view!])).toEqual([0, 0, 1].map((value) => expect.closeTo(value, 12)))
  })

  it('take the lens of a frame before that of all', () => {
    const text = JSON.stringify({ w: 100, h: 75, fl_x: 1, frames: [{ ...FRAME, fl_x: 50 }] })
    expect(views(text, [0, 0, 0])[0]!.camera.tangent).toBe(0.75)
  })

  it('are in the order of their names', () => {
    const frames = ['b.png', 'a.png'].map((file_path) => ({ ...FRAME, file_path }))
    expect(views(JSON.stringify({ frames }), [0, 0, 0]).map(({ name }) => name)).toEqual(['a', 'b'])
  })

  it.each([
    ['no json', 'no JSON'],
    ['null', 'no frames'],
    ['{"frames": [{"file_path": "a"}]}', 'transform_matrix'],
  ])('are not read from %s', (text, reason) => {
    expect(() => views(text, [0, 0, 0])).toThrow(reason)
  })
})
