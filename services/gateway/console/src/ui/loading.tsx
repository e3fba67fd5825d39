/** What is loaded from the gateway: waiting, failed or there. */

import type { ComponentChildren } from 'preact'
import { useCallback, useEffect, useState } from 'preact/hooks'
import { isAbort, Problem } from '../api/problem'
import { ProblemNote } from './notes'

export type Loaded<T> =
  | { state: 'waiting' }
  | { state: 'failed'; problem: Problem; again: () => void }
  /** With a problem where it could not be loaded again. */
  | { state: 'there'; value: T; problem?: Problem; again: () => void }

/** Loads when `inputs` change, and again on demand; what was there stays in sight meanwhile, and where that fails. */
export function useLoaded<T>(load: (signal: AbortSignal) => Promise<T>, inputs: readonly unknown[]): Loaded<T> {
  const [loaded, set] = useState<Loaded<T>>({ state: 'waiting' })
  const [turn, next] = useState(0)
  const again = useCallback(() => next((n) => n + 1), [])
  useEffect(() => set({ state: 'waiting' }), inputs)
  useEffect(() => {
    const asking = new AbortController()
    load(asking.signal).then(
      (value) => asking.signal.aborted || set({ state: 'there', value, again }),
      (thrown) => {
        if (isAbort(thrown)) return
        const problem = Problem.from(thrown)
        set((now) => (now.state === 'there' ? { ...now, problem } : { state: 'failed', problem, again }))
      },
    )
    return () => asking.abort()
  }, [...inputs, turn])
  return loaded
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
