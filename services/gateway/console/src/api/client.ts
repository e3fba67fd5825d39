/** The gateway's REST interface: one way to ask, whose failures are all of one kind. */

import { events, type ServerEvent } from './events'
import { EmptyFile, isAbort, Problem, Unreachable } from './problem'
import { key, signOut } from './session'

export interface Asking {
  /** Gives the request up. */
  signal?: AbortSignal
  /** Parameters of the query; those that are undefined are left out. */
  query?: Record<string, string | number | boolean | undefined>
  /** Further headers. */
  headers?: Record<string, string>
}

type Method = 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'DELETE'

/** The answer to a request, its status checked. Raises Problem. */
async function asked(method: Method, path: string, body: unknown, accept: string, asking: Asking): Promise<Response> {
  const headers: Record<string, string> = { Accept: accept, ...asking.headers }
  const bearer = key()
  if (bearer) headers['Authorization'] = `Bearer ${bearer}`
  let sent: BodyInit | undefined
  if (body instanceof FormData) sent = body
  else if (body instanceof Blob) {
    sent = body
    headers['Content-Type'] ??= 'application/octet-stream'
  } else if (body !== undefined) {
    sent = JSON.stringify(body)
    headers['Content-Type'] = 'application/json'
  }
  const init: RequestInit = { method, headers }
  if (sent !== undefined) init.body = sent
  if (asking.signal) init.signal = asking.signal
  await readable(sent) // a browser says of a file that is gone what it says of a gateway that is, or sends none of it
  const answer = await reached(fetch(address(path, asking.query), init))
  if (answer.ok) return answer
  const problem = await Problem.of(answer)
  if (answer.status === 401 && bearer) signOut('This key is not valid, or no longer. Paste one that is.')
  throw problem
}

/** What comes over the network; where it does not, an Unreachable, so that no mistake of a page is taken for that. */
async function reached<T>(coming: Promise<T>): Promise<T> {
  try {
    return await coming
  } catch (thrown) {
    throw isAbort(thrown) ? thrown : new Unreachable()
  }
}

/** Raises a DOMException or Problem where a file in a body is empty, or was changed or deleted since it was chosen. */
async function readable(body: BodyInit | undefined): Promise<void> {
  const parts = body instanceof FormData ? [...body.values()] : [body]
  for (const part of parts)
    if (part instanceof Blob && !(await part.slice(0, 1).arrayBuffer()).byteLength) throw new EmptyFile()
}

function address(path: string, query: Asking['query']): string {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== '')
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()
  return text ? `${path}?${text}` : path
}

async function json<T>(answer: Promise<Response>): Promise<T> {
  const text = await reached((await answer).text())
  return (text ? JSON.parse(text) : undefined) as T
}

export async function* texts(answer: Response): AsyncGenerator<string> {
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader()
  try {
    for (;;) {
      const { done, value } = await reached(reader.read())
      if (done) return
      yield value
    }
  } finally {
    await reader.cancel().catch(() => undefined) // who stops reading closes the connection, and so cancels the work
  }
}

export const api = {
  get: <T>(path: string, asking: Asking = {}): Promise<T> =>
    json<T>(asked('GET', path, undefined, 'application/json', asking)),

  /** `body` is sent as JSON, a form or a file, as what it is. */
  post: <T>(path: string, body?: unknown, asking: Asking = {}): Promise<T> =>
    json<T>(asked('POST', path, body, 'application/json', asking)),

  delete: <T>(path: string, asking: Asking = {}): Promise<T> =>
    json<T>(asked('DELETE', path, undefined, 'application/json', asking)),

  /** The bytes of an answer as they are. */
  blob: async (path: string, asking: Asking = {}): Promise<Blob> =>
    reached((await asked('GET', path, undefined, '*/*', asking)).blob()),

  /** The answer itself, where its status or headers matter. */
  answer: (method: Method, path: string, body?: unknown, asking: Asking = {}): Promise<Response> =>
    asked(method, path, body, '*/*', asking),

  /** Server-sent events as they come, of a GET or, with a body, a POST; an event `error` is thrown as a Problem. */
  async *stream<T = unknown>(path: string, asking: Asking & { body?: unknown } = {}): AsyncGenerator<ServerEvent<T>> {
    const method = asking.body === undefined ? 'GET' : 'POST'
    const answer = await asked(method, path, asking.body, 'text/event-stream', asking)
    for await (const event of events(texts(answer))) {
      if (event.event === 'error') throw new Problem(event.data as ConstructorParameters<typeof Problem>[0])
      yield event as ServerEvent<T>
    }
  },
}

/** Whether the gateway asks for keys: the page says so, so that no request has to fail for it. Raises Problem. */
export async function asksForKey(): Promise<boolean> {
  const answer = await reached(fetch('/', { method: 'HEAD', cache: 'no-store' }))
  if (!answer.ok) throw await Problem.of(answer)
  return answer.headers.has('WWW-Authenticate')
}

/** A file that is part of the console, by its address. Raises Problem. */
export async function shipped(address: string): Promise<Blob> {
  const answer = await reached(fetch(address))
  if (!answer.ok) throw await Problem.of(answer)
  return reached(answer.blob())
}
