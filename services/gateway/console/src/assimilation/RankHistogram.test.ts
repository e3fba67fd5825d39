import { describe, expect, it } from 'vitest'
import { merged, shape } from './RankHistogram'

describe('rank histogram', () => {
  it('takes neighbours together where there are many', () => {
    expect(merged([1, 2, 3, 4, 5], 3)).toEqual([3, 7, 5])
  })

  it.each([
    [[9, 1, 1, 1, 1, 1, 1, 1, 1, 9], 'too small'],
    [[1, 5, 5, 5, 5, 5, 5, 5, 5, 1], 'too large'],
    [[5, 5, 5, 5, 5, 5, 5, 5, 5, 5], 'about right'],
  ])('%j says that the spread is %s', (counts, words) => {
    expect(shape(counts)).toContain(words)
  })
})
