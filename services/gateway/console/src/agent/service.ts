// What the agent answers, and how it is asked.

import { api } from '../api/client'
import type { ServerEvent } from '../api/events'
import { requestId } from '../api/work'

export interface Setting {
  name: string
  value: string
  assumed: boolean
  lesson: string
}

export interface Plan {
  recipe: string
  title: string
  settings: Setting[]
  data: Record<string, string>
  reasons: string[]
  bytes: string
  seconds: number
  score: number
}

export interface Value {
  label: string
  number?: number
  text?: string
  units: string
  low?: number
  high?: number
}

export interface Answer {
  status: 'STATUS_ANSWERED' | 'STATUS_CLARIFY' | 'STATUS_ABSTAINED' | 'STATUS_FAILED'
  values: Value[]
  plan: string
  question: string
  options: string[]
  reason: string
  files: Record<string, string>
  notes: string[]
  run: string
}

export interface Proposal {
  run: string
  plans: Plan[]
  answer?: Answer
}

export interface Step {
  name: string
  outcome: string
  seconds: number
  done: boolean
}

export interface Run {
  name: string
  question: string
  /** Conversation that it belongs to; none where empty. */
  session: string
  created: string
  proposal?: Proposal
  operation: string
  steps: Step[]
  answer?: Answer
}

export interface News {
  doing?: string
  proposal?: Proposal
  operation?: string
  step?: Step
  log?: string
  figure?: string
  answer?: Answer
}

export interface DataSet {
  name: string
  variable: string
  units: string
  source: string
  experiment: string
  period: string
}

export interface Lesson {
  id: string
  topic: string
  text: string
  active: boolean
}

export interface Question {
  question: string
  /** SHA-256 of uploaded files by name; all that the installation has where empty. */
  files: Record<string, string>
  /** Conversation that it belongs to. */
  session: string
  /** Whether the best plan is run at once. */
  atOnce: boolean
}

/** News of a question, as they come. */
export function asked(
  { question, files, session, atOnce }: Question,
  signal: AbortSignal,
): AsyncGenerator<ServerEvent<News>> {
  const choose = atOnce ? 'CHOICE_BEST' : 'CHOICE_ASK'
  const body = { request_id: requestId(), question, session, choose, data: { files } }
  return api.stream<News>('/v1/agent:ask', { body, signal })
}

/** Name of the operation that runs a plan. */
export async function chosen(run: string, plan: number): Promise<string> {
  return (await api.post<{ operation: string }>(`/v1/${run}:choosePlan`, { plan })).operation
}

export async function runNamed(name: string): Promise<Run> {
  return (await api.get<{ run: Run }>(`/v1/${name}`)).run
}

/** The newest first. */
export async function runs(): Promise<Run[]> {
  return (await api.get<{ runs: Run[] }>('/v1/agent/runs', { query: { page_size: 20 } })).runs
}

/** What was understood, in a line. */
export async function toldOf(run: string, text: string): Promise<string> {
  const body = { request_id: requestId(), run, text }
  return (await api.post<{ understood: string }>('/v1/agent:feedback', body)).understood
}

export async function lessons(): Promise<Lesson[]> {
  return (await api.get<{ lessons: Lesson[] }>('/v1/agent/lessons')).lessons
}

export async function setLesson(id: string, active: boolean): Promise<void> {
  await api.post(`/v1/agent/lessons/${id}:set`, { active })
}

/** Data sets of the installation. */
export async function dataSets(): Promise<DataSet[]> {
  const items = await api.post<{ data_set?: DataSet }[]>('/v1/agent/dataSets:list', {})
  return items.flatMap(({ data_set }) => (data_set ? [data_set] : []))
}
