import { describe, expect, it } from 'vitest'
import { folderOf } from './folder'
import { places } from './Leaderboard'

function chosen(path: string): File {
  return Object.defineProperty(new File([], path.split('/').at(-1)!), 'webkitRelativePath', { value: path })
}

describe('folderOf', () => {
  it('finds the questions, and images by their path from the folder', () => {
    const folder = folderOf(['data/questions.jsonl', 'data/img/a.PNG', 'data/README.md'].map(chosen))
    expect(folder.format).toBe('FORMAT_JSON_LINES')
    expect([...folder.images.keys()]).toEqual(['img/a.PNG'])
  })

  it.each([[['data/a.png']], [['data/questions.json', 'data/questions.jsonl']]])('refuses %j', (paths) => {
    expect(() => folderOf(paths.map(chosen))).toThrow('accepted: one of')
  })
})

describe('places', () => {
  it('are those that an interval allows', () => {
    expect([places(1, 1), places(2, 4), places(0, 0)]).toEqual(['1', '2–4', '–'])
  })
})
