import { expect, it } from 'vitest'
import { events } from './events'

async function* cut(...chunks: string[]) {
  yield* chunks
}

async function all(...chunks: string[]) {
  const seen = []
  for await (const event of events(cut(...chunks))) seen.push(event)
  return seen
}

it('joins events that come in pieces', async () => {
  const seen = await all('event: progress\ndata: {"frac', 'tion": 0.5}\n', '\nevent: result\ndata: {}\n\n')
  expect(seen).toEqual([
    { event: 'progress', data: { fraction: 0.5 } },
    { event: 'result', data: {} },
  ])
})

it('leaves comments out, and an event that has not ended', async () => {
  expect(await all(': still here\n\n', 'data: 1\n\ndata: 2\n')).toEqual([{ event: 'message', data: 1 }])
})
