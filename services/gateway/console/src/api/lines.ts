// Calls of many messages: a line of JSON each, on the way there and back.

import { api, texts } from './client'
import { Problem } from './problem'

const NDJSON = 'application/x-ndjson'

/** Sends messages, and answers those that come back, as they come. Raises Problem, also after some have come. */
export async function* lines<T>(path: string, messages: object[], signal?: AbortSignal): AsyncGenerator<T> {
  const body = new Blob(messages.map((message) => `${JSON.stringify(message)}\n`))
  const headers = { Accept: NDJSON, 'Content-Type': NDJSON }
  const answer = await api.answer('POST', path, body, signal ? { headers, signal } : { headers })
  let rest = ''
  for await (const chunk of texts(answer)) {
    rest += chunk
    const whole = rest.split('\n')
    rest = whole.pop()!
    for (const line of whole) yield read<T>(line)
  }
  if (rest) yield read<T>(rest)
}

function read<T>(line: string): T {
  const message = JSON.parse(line) as T & { error?: ConstructorParameters<typeof Problem>[0] }
  if (message.error) throw new Problem(message.error)
  return message
}
