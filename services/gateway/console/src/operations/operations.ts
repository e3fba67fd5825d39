/** Long work of every service that has some. */

import { api } from '../api/client'
import type { Metadata, Operation, State } from '../api/work'

/** Services with long work; the others answer no operations. */
export const SERVICES = ['ocean', 'assimilation', 'splat', 'benchmark', 'agent'] as const

/** The latest operations of these services, the newest first. */
export async function list(services: readonly string[], signal: AbortSignal): Promise<Operation[]> {
  const asked = services.map((service) =>
    api.get<{ operations?: Operation[] }>(`/v1/${service}/operations`, { signal, query: { page_size: 50 } }),
  )
  const found = (await Promise.all(asked)).flatMap(({ operations }) => operations ?? [])
  return found.sort((one, other) => other.metadata.created.localeCompare(one.metadata.created))
}

export function state(metadata: Metadata): State {
  return metadata.state.replace('STATE_', '') as State
}

export function going(metadata: Metadata): boolean {
  return ['QUEUED', 'RUNNING'].includes(state(metadata))
}
