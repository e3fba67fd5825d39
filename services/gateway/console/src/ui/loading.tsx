/** What is loaded from the gateway: waiting, failed or there. */

import type { ComponentChildren } from 'preact'
import { useCallback, useEffect, useMemo, useState } from 'preact/hooks'
import { isAbort, Problem } from '../api/problem'
import { ProblemNote } from './notes'

type Outcome<T> =
  | { state: 'waiting' }
  | { state: 'failed'; problem: Problem }
  /** With a problem where it could not be loaded again. */
  | { state: 'there'; value: T; problem?: Problem }

/** What has been loaded so far, and how to load it again. */
export type Loaded<T> = Outcome<T> & { again: () => void }

/** Loads when `inputs` change, and again on demand; what was there stays in sight meanwhile, and where that fails. */
export function useLoaded<T>(load: (signal: AbortSignal) => Promise<T>, inputs: readonly unknown[]): Loaded<T> {
  const [loaded, set] = useState<Outcome<T>>({ state: 'waiting' })
  const [turn, next] = useState(0)
  const again = useCallback(() => next((n) => n + 1), [])
  useEffect(() => set({ state: 'waiting' }), inputs)
  useEffect(() => {
    const asking = new AbortController()
    load(asking.signal).then(
      (value) => asking.signal.aborted || set({ state: 'there', value }),
      (thrown) => {
        if (isAbort(thrown)) return
        const problem = Problem.from(thrown)
        set((now) => (now.state === 'there' ? { ...now, problem } : { state: 'failed', problem }))
      },
    )
    return () => asking.abort()
  }, [...inputs, turn])
  return useMemo(() => ({ ...loaded, again }), [loaded])
}

export function Loading<T>(props: {
  of: Loaded<T>
  /** In place of what is awaited, of its size. */
  skeleton?: ComponentChildren
  children: (value: T) => ComponentChildren
}) {
  const { of } = props
  if (of.state === 'waiting') return <>{props.skeleton ?? <Skeleton />}</>
  return (
    <>
      {of.problem && <ProblemNote problem={of.problem} again={of.again} />}
      {of.state === 'there' && props.children(of.value)}
    </>
  )
}

/** Lines of text that are awaited, or with `height` one block. */
export function Skeleton({ lines = 3, height }: { lines?: number; height?: string }) {
  const class_ = height ? 'skeleton block' : 'skeleton'
  return (
    <div class={class_} style={height ? { height } : {}} role="status">
      {Array.from({ length: height ? 1 : lines }, (_, index) => (
        <span key={index} />
      ))}
      <p class="unseen">Loading</p>
    </div>
  )
}
