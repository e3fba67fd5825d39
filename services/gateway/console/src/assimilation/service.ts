// What the assimilation service answers, and how it is asked.

import { api } from '../api/client'
import { requestId, type Operation } from '../api/work'

export interface Method {
  name: string
  description: string
  ensemble: boolean
  learned: boolean
  options: string[]
  systems: string[]
}

export interface System {
  name: string
  description: string
  size: string
}

export interface CycleSpec {
  system: string
  method: string
  members?: number
  inflation?: number
  localization?: number
  cycles: number
  seed: number | string
}

export interface CycleReport {
  spec: CycleSpec
  rmse_analysis: number
  rmse_forecast: number
  spread?: number
  crps?: number
  seconds: number
  diverged?: string
  rank_histogram: string[]
  spread_skill?: number
  physics?: number
}

export interface Interval {
  value: number
  low: number
  high: number
}

export interface CompareSpec {
  system: string
  observed: number
  cases: number
  seed: number | string
  methods: string[]
}

export interface CompareReport {
  spec: CompareSpec
  methods: { method: string; figures: Record<string, Interval & { difference?: Interval }>; seconds: number }[]
  reference: string
  seconds: number
}

export type Report = CycleReport | CompareReport

export function isComparison(report: Report): report is CompareReport {
  return 'methods' in report
}

export async function known(): Promise<{ methods: Method[]; systems: System[] }> {
  return api.get('/v1/assimilation/methods')
}

export async function cycled(spec: CycleSpec): Promise<string> {
  return (await api.post<{ operation: string }>('/v1/assimilation:cycle', { request_id: requestId(), spec })).operation
}

export async function compared(spec: CompareSpec): Promise<string> {
  return (await api.post<{ operation: string }>('/v1/assimilation:compare', { request_id: requestId(), spec }))
    .operation
}

/** Experiments, the newest first. */
export async function experiments(): Promise<Operation<Report>[]> {
  return (await api.get<{ operations?: Operation<Report>[] }>('/v1/assimilation/operations')).operations ?? []
}
