import { describe, expect, it } from 'vitest'
import { Batch, Draft } from './pace'

describe('Batch', () => {
  it('comes to what a device does in the time of a batch, and stays there', () => {
    for (const perMillisecond of [10, 1000]) {
      const batch = new Batch()
      for (let i = 0; i < 20; i++) batch.took(batch.size / perMillisecond)
      const time = batch.size / perMillisecond
      expect(time).toBeGreaterThanOrEqual(40)
      expect(time).toBeLessThanOrEqual(80)
    }
  })

  it('is never so small that nothing comes of it', () => {
    const batch = new Batch()
    for (let i = 0; i < 20; i++) batch.took(10_000)
    expect(batch.size).toBe(256)
  })
})

describe('Draft', () => {
  it('becomes a whole picture where the device is fast', () => {
    const draft = new Draft(200_000)
    for (let i = 0; i < 10; i++) draft.took(10)
    expect(draft).toMatchObject({ most: 200_000, scale: 1 })
  })

  it('has less of both where it is slow, but something always', () => {
    const draft = new Draft(200_000)
    const { most, scale } = draft
    draft.took(400)
    expect(draft.most).toBeLessThan(most)
    expect(draft.scale).toBeLessThan(scale)
    for (let i = 0; i < 20; i++) draft.took(60_000)
    expect(draft).toMatchObject({ most: 8000, scale: 0.25 })
  })

  it('stays as it is where it is about right', () => {
    const draft = new Draft(200_000)
    draft.took(180)
    expect(draft).toMatchObject({ most: 20_000, scale: 0.5 })
  })

  it('has no more Gaussians than there are', () => {
    const draft = new Draft(50)
    draft.took(10)
    draft.took(10_000)
    expect(draft.most).toBe(50)
  })
})
