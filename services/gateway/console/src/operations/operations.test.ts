import { expect, it, vi } from 'vitest'
import { addressOf, list, nameIn } from './operations'

it('an address names an operation, and nothing else of the gateway', () => {
  const name = 'ocean/operations/01J-a_9'
  expect(nameIn(addressOf(name))).toBe(name)
  for (const other of ['keys', 'ocean/operations/../../keys', 'ocean/operations/a?b', 'ocean/operations/a:cancel', ''])
    expect(nameIn(addressOf(other))).toBe('')
  expect(nameIn('#/operations')).toBe('')
})

it('a service that fails hides none of another, and what all fail of is told once', async () => {
  const made = { name: 'splat/operations/1', metadata: { created: '2026-01-01T00:00:00Z' } }
  const away = () => Promise.reject(new TypeError('Failed to fetch'))
  vi.stubGlobal('sessionStorage', { getItem: () => null })
  vi.stubGlobal('fetch', (path: string) =>
    path.startsWith('/v1/splat') ? Promise.resolve(Response.json({ operations: [made] })) : away(),
  )
  const { signal } = new AbortController()
  const listed = await list(['ocean', 'splat'], signal)
  expect(listed.operations).toEqual([made])
  expect(listed.missing.map(({ service }) => service)).toEqual(['ocean'])
  await expect(list(['ocean', 'agent'], signal)).rejects.toThrow('Check the connection')
  vi.unstubAllGlobals()
})
