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
  { path: 'operations', title: 'Operations', load: () => import('../operations/Page') },
  { path: 'models', title: 'Models', load: () => import('../models/Page') },
  { path: 'keys', title: 'Keys and usage', load: () => import('../keys/Page') },
]
