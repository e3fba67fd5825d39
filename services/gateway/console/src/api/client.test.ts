import { afterEach, expect, test, vi } from 'vitest'
import { api } from './client'
import { mayPass, Problem } from './problem'

afterEach(() => vi.unstubAllGlobals())

test('a file that is gone is told as that, and nothing is sent', async () => {
  const fetched = vi.fn()
  vi.stubGlobal('fetch', fetched)
  vi.stubGlobal('sessionStorage', { getItem: () => null })
  const form = new FormData()
  form.append('month', '2')
  form.append('file', new File([], 'profiles.nc'))
  await expect(api.post('/v1/ocean:reconstruct', form)).rejects.toThrow('moved or deleted')
  expect(fetched).not.toHaveBeenCalled()
})

test('only what may pass is worth another try', () => {
  const told = (status: number) => new Problem({ status, title: '', detail: '' })
  expect([408, 429, 500, 503].every((status) => mayPass(told(status)))).toBe(true)
  expect([400, 403, 404, 409, 422].some((status) => mayPass(told(status)))).toBe(false)
})
