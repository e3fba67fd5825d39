// What the page and the sorting worker tell each other.

import type { View } from '../look/view'

export interface Load {
  kind: 'load'
  file: ArrayBuffer
}

export interface Sort {
  kind: 'sort'
  view: View
  near: number
}

export interface Loaded {
  kind: 'loaded'
  count: number
  geometry: Float32Array
  reflective: boolean
  degree: number
  antialiased: boolean
}

export interface Sorted {
  kind: 'sorted'
  indices: Uint32Array
  nearest: number
  /** [N × 2] packed colours, transmitted and reflected; not there while those before are good enough. */
  colours?: Uint32Array
}

export interface Failed {
  kind: 'failed'
  reason: string
}

export type Asked = Load | Sort
export type Told = Loaded | Sorted | Failed
