import { expect, it } from 'vitest'
import { addressOf, nameIn } from './operations'

it('an address names an operation, and nothing else of the gateway', () => {
  const name = 'ocean/operations/01J-a_9'
  expect(nameIn(addressOf(name))).toBe(name)
  for (const other of ['keys', 'ocean/operations/../../keys', 'ocean/operations/a?b', 'ocean/operations/a:cancel', ''])
    expect(nameIn(addressOf(other))).toBe('')
  expect(nameIn('#/operations')).toBe('')
})
