// Long work, followed to its end.

import { useEffect, useState } from 'preact/hooks'
import { api } from './client'
import { mayPass } from './problem'

export type State = `STATE_${'QUEUED' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED' | 'DEAD'}`

export interface Metadata {
  kind: string
  state: State
  progress?: { fraction?: number; message?: string }
  attempt?: number
  created: string
  started?: string
  finished?: string
}

/** A google.longrunning.Operation. */
export interface Operation<R = Record<string, unknown>> {
  /** `splat/operations/…`: its path below /v1/. */
  name: string
  metadata: Metadata
  done?: boolean
  error?: { code: number; message: string }
  response?: R
}

export interface Followed<R> {
  operation?: Operation<R>
  /** Why nothing more is heard of it. */
  failure?: unknown
}

/** Longest and shortest wait before a broken connection is made again, ms. */
const WAITS = [1000, 15000] as const

/** An operation as it stands, from now to its end, when `ended` is called; one `known` to have ended is not asked for. */
export function useOperation<R>(name: string, known?: Operation<R>, ended: () => void = () => {}): Followed<R> {
  const [followed, setFollowed] = useState<Followed<R>>({})
  useEffect(() => {
    setFollowed(known ? { operation: known } : {})
    if (known?.done) return
    const leaving = new AbortController()
    const tell = (operation: Operation<R>) => {
      setFollowed({ operation })
      if (operation.done) ended()
    }
    follow<R>(name, leaving.signal, tell).catch((failure: unknown) => {
      if (!leaving.signal.aborted) setFollowed((before) => ({ ...before, failure }))
    })
    return () => leaving.abort()
  }, [name, known?.done])
  return followed
}

/** Tells an operation as it stands, from now to its end; a watch that breaks off is taken up again. */
export async function follow<R>(name: string, signal: AbortSignal, tell: (operation: Operation<R>) => void): Promise<void> {
  for (let wait: number = WAITS[0]; ; wait = Math.min(2 * wait, WAITS[1])) {
    try {
      for await (const { data } of watched(name, signal)) {
        if (data.done) break
        tell({ name, done: false, metadata: data.metadata })
        wait = WAITS[0]
      }
      const operation = await api.get<Operation<R>>(`/v1/${name}`)
      if (signal.aborted) return
      tell(operation)
      if (operation.done) return
    } catch (error) {
      // What the service refuses it refuses the next time too; a connection that broke may be better then.
      if (signal.aborted || !mayPass(error)) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, wait))
    if (signal.aborted) return
  }
}

function watched(name: string, signal: AbortSignal) {
  return api.stream<{ metadata: Metadata; done: boolean }>(`/v1/${name}:watch`, { signal })
}

/** An id under which a request may be sent again without doing its work twice. */
export function requestId(): string {
  return crypto.randomUUID()
}

/** What a person calls a state. */
export function stateName(state: State | undefined): string {
  const names: Record<State, string> = {
    STATE_QUEUED: 'Waiting',
    STATE_RUNNING: 'Running',
    STATE_SUCCEEDED: 'Done',
    STATE_FAILED: 'Failed',
    STATE_CANCELLED: 'Cancelled',
    STATE_DEAD: 'Died',
  }
  return state ? names[state] : 'Unknown'
}
