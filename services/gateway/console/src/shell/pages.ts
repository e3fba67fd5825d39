/** The pages, in the order of the navigation. A page whose service is not installed is left out. */

import type { ComponentType } from 'preact'

export interface PageEntry {
  path: string
  title: string
  /** The service that it shows; none for those of the gateway itself. */
  service?: string
  load: () => Promise<{ Page: ComponentType }>
}

export const PAGES: readonly PageEntry[] = [
  { path: 'ocean', title: 'Ocean', service: 'ocean', load: () => import('../ocean/Page') },
  { path: 'assimilation', title: 'Assimilation', service: 'assimilation', load: () => import('../assimilation/Page') },
  { path: 'scenes', title: 'Scenes', service: 'splat', load: () => import('../scenes/Page') },
  { path: 'clouds', title: 'Point clouds', service: 'pointcloud', load: () => import('../pointclouds/Page') },
  { path: 'benchmarks', title: 'Benchmarks', service: 'benchmark', load: () => import('../benchmarks/Page') },
  { path: 'agent', title: 'Agent', service: 'agent', load: () => import('../agent/Page') },
  { path: 'operations', title: 'Operations', load: () => import('../operations/Page') },
  { path: 'models', title: 'Models', load: () => import('../models/Page') },
  { path: 'keys', title: 'Keys and usage', load: () => import('../keys/Page') },
]
