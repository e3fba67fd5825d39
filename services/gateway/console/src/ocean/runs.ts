/** The reconstructions of this tab: asked for, in progress, and what they answered. They outlive the page, not the tab. */

import { useEffect, useState } from 'preact/hooks'
import { api } from '../api/client'
import { isAbort, Problem } from '../api/problem'
import { upload } from '../api/upload'
import { onSignOut } from '../api/session'

export interface Answer {
  method: string
  month: number
  seed: number
  steps: number
  weights_sha256: string
  seconds: number
  observations: {
    received: number
    used: number
    rejected: number
    rejected_by_reason: Record<string, number>
    merged: number
    missing: number
    flagged: number
    other_months: number
  }
  artifact: Stored
}

/** A file that the gateway keeps. */
export interface Stored {
  id: string
  name: string
  size: number
  expires: string | null
}

export interface Run {
  id: number
  title: string
  /** What was asked; none of a file that was opened. */
  form?: FormData
  state: 'running' | 'done' | 'failed'
  fraction: number
  message: string
  problem?: Problem
  answer?: Answer
  /** The file with the fields, once it is there. */
  artifact?: Stored
  asking: AbortController
}

let runs: readonly Run[] = []
let last = 0
const listeners = new Set<() => void>()

function publish(changed: readonly Run[]): void {
  runs = changed
  // Whoever closes the tab gives up what is running; the browser asks whether that is meant.
  window.onbeforeunload = runs.some(({ state }) => state === 'running') ? (event) => event.preventDefault() : null
  for (const listener of listeners) listener()
}

function change(id: number, news: Partial<Run>): void {
  publish(runs.map((run) => (run.id === id ? { ...run, ...news } : run)))
}

onSignOut(() => {
  for (const { asking } of runs) asking.abort()
  publish([])
})

/** The runs, the newest first, as they go on. */
export function useRuns(): readonly Run[] {
  const [seen, see] = useState(runs)
  useEffect(() => {
    const listener = () => see(runs)
    listener()
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }, [])
  return seen
}

/** Asks for a reconstruction of the file and options in a form; answers the id of its run. */
export function start(title: string, form: FormData): number {
  return begin({ title, form }, (id, signal) => reconstruct(id, form, signal))
}

/** Opens a NetCDF file of the reader's own, to look at or to compare with; answers the id of its run. */
export function open(file: File): number {
  return begin({ title: file.name }, async (id, signal) => {
    const sent = await upload(file, (fraction) => change(id, { fraction }), signal)
    change(id, { state: 'done', artifact: await api.get<Stored>(`/v1/artifacts/${sent}`, { signal }) })
  })
}

function begin(about: Pick<Run, 'title' | 'form'>, work: (id: number, signal: AbortSignal) => Promise<void>): number {
  const id = ++last
  const asking = new AbortController()
  publish([{ id, ...about, state: 'running', fraction: 0, message: 'sending', asking }, ...runs])
  work(id, asking.signal).catch(
    (thrown) => isAbort(thrown) || change(id, { state: 'failed', problem: Problem.from(thrown) }),
  )
  return id
}

/** The same observations under other options: what a difference is taken to. */
export function again(run: Run, title: string, options: Record<string, string>): number {
  const form = new FormData()
  for (const [name, value] of run.form!.entries())
    if (!(name in options) && name !== 'steps' && name !== 'weights') form.append(name, value)
  for (const [name, value] of Object.entries(options)) form.append(name, value)
  return start(title, form)
}

export function forget(run: Run): void {
  run.asking.abort()
  publish(runs.filter(({ id }) => id !== run.id))
}

async function reconstruct(id: number, form: FormData, signal: AbortSignal): Promise<void> {
  for await (const { event, data } of api.stream('/v1/ocean:reconstruct', { body: form, signal })) {
    if (event === 'progress') change(id, data as { fraction: number; message: string })
    if (event === 'result') {
      const answer = data as Answer
      change(id, { state: 'done', answer, artifact: answer.artifact })
    }
  }
}
