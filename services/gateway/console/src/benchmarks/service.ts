// What the benchmark service answers, and how it is asked.

import { api } from '../api/client'
import { requestId, type Operation } from '../api/work'

export interface Metric {
  name: string
  value?: number
  stderr?: number
  low?: number
  high?: number
  n: string
  unscored: string
  unavailable: string
}

export interface Suite {
  name: string
  description: string
  variants: { name: string; description: string; unavailable: Record<string, string> }[]
  metrics: { name: string; description: string }[]
}

export interface Standing {
  model: string
  metric: Metric
  best_rank: number
  worst_rank: number
  operation: string
  published_by: string
  coverage: number
}

export interface Board {
  dataset_sha256: string
  judge: string
  standings: Standing[]
  items: string
  metric: string
}

export interface Report {
  suite: string
  variant: string
  dataset_sha256: string
  model: string
  judge: string
  coverage: number
  metrics: Metric[]
  groups: { dimension: string; name: string; metrics: Metric[] }[]
  items: string
  given_up: string
}

export interface Result {
  /** SHA-256 by file name. */
  files: Record<string, string>
  report: Report
}

export interface Difference {
  dimension: string
  name: string
  a: number
  b: number
  difference: number
  low?: number
  high?: number
  p?: number
  n: string
  metric: string
}

export interface Item {
  id: string
  kind: string
  groups: Record<string, string>
  score: number | null
  extracted: string | null
  reason: string | null
  prediction?: unknown
}

/** A name of the service's in words: `multiple_choice`. */
export function words(name: string): string {
  return name.replaceAll('_', ' ')
}

export async function suites(): Promise<Suite[]> {
  return (await api.get<{ suites: Suite[] }>('/v1/benchmark/suites')).suites
}

export async function boards(suite: string, variant: string): Promise<Board[]> {
  return (await api.get<{ boards: Board[] }>('/v1/benchmark/leaderboard', { query: { suite, variant } })).boards
}

/** Evaluations, the newest first. */
export async function evaluations(): Promise<Operation<Result>[]> {
  return (await api.get<{ operations?: Operation<Result>[] }>('/v1/benchmark/operations')).operations ?? []
}

export async function begun(request: object): Promise<string> {
  const body = { request_id: requestId(), ...request }
  return (await api.post<{ operation: string }>('/v1/benchmark/evaluations', body)).operation
}

export async function resultOf(operation: string): Promise<Result> {
  const id = operation.split('/').at(-1)
  return (await api.get<{ result: Result }>(`/v1/benchmark/reports/${id}`)).result
}

/** How b differs from a, over the items that both have scored. */
export async function compared(a: Result, b: Result): Promise<Difference[]> {
  const files = ({ files }: Result) => {
    const wanted = ['report.json', 'items.jsonl', 'design.jsonl']
    return Object.fromEntries(wanted.map((name) => [name, files[name]]))
  }
  const answer = await api.post<{ differences: Difference[] }>('/v1/benchmark/reports:compare', {
    a: files(a),
    b: files(b),
  })
  return answer.differences
}

/** The items of an evaluation, with what was predicted where a model was asked. */
export async function items({ files }: Result): Promise<Item[]> {
  const [scored, designed, predicted] = await Promise.all(
    ['items.jsonl', 'design.jsonl', 'predictions.jsonl'].map((name) => rows(files[name])),
  )
  const designs = new Map(designed!.map((row) => [row['id'], row]))
  const predictions = new Map(predicted!.map((row) => [row['id'], row['prediction']]))
  return scored!.map((row) => ({ ...designs.get(row['id']), ...row, prediction: predictions.get(row['id']) }) as Item)
}

async function rows(artifact: string | undefined): Promise<Record<string, unknown>[]> {
  if (!artifact) return []
  const text = await (await api.blob(`/v1/artifacts/${artifact}/content`)).text()
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}
