/** Long work of every service that has some. */

import { api } from '../api/client'
import { isAbort, Problem } from '../api/problem'
import type { Metadata, Operation } from '../api/work'

/** Services with long work; the others answer no operations. */
export const SERVICES = ['ocean', 'assimilation', 'splat', 'benchmark', 'agent'] as const
/** Most operations of a service that are listed. */
export const LATEST = 50

export interface Listed {
  operations: Operation[]
  /** Services whose operations could not be listed, and why. */
  missing: { service: string; problem: Problem }[]
}

/** The latest operations of these services, newest first; one that fails hides none of another. Raises Problem where all do. */
export async function list(services: readonly string[], signal: AbortSignal): Promise<Listed> {
  const asked = services.map((service) =>
    api.get<{ operations?: Operation[] }>(`/v1/${service}/operations`, { signal, query: { page_size: LATEST } }),
  )
  const listed: Listed = { operations: [], missing: [] }
  for (const [index, told] of (await Promise.allSettled(asked)).entries()) {
    if (told.status === 'fulfilled') listed.operations.push(...(told.value.operations ?? []))
    else if (isAbort(told.reason)) throw told.reason
    else listed.missing.push({ service: services[index]!, problem: Problem.from(told.reason) })
  }
  if (services.length && listed.missing.length === services.length) throw listed.missing[0]!.problem
  listed.operations.sort((one, other) => other.metadata.created.localeCompare(one.metadata.created))
  return listed
}

export function going({ state }: Metadata): boolean {
  return state === 'STATE_QUEUED' || state === 'STATE_RUNNING'
}

/** The operation that an address ends with, `#/operations/ocean/operations/…`; none where it names no such thing. */
export function nameIn(hash: string): string {
  return /^#\/operations\/([a-z]+\/operations\/[\w-]+)$/.exec(hash)?.[1] ?? ''
}

export function addressOf(name: string): string {
  return `#/operations/${name}`
}
