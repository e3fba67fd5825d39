// What the page and the sorting worker tell each other.

import type { Camera } from '../look/camera'
import type { View } from '../look/view'

export interface Load {
  kind: 'load'
  /** A PLY. */
  file: Blob
}

export interface Sort {
  kind: 'sort'
  view: View
  near: number
  /** How many Gaussians may be drawn: where the model has more, the most important ones. */
  most: number
}

export interface Loaded {
  kind: 'loaded'
  count: number
  /** Rows of texels, three a Gaussian. */
  geometry: Float32Array
  reflective: boolean
  degree: number
  antialiased: boolean
  /** From where most of it is seen. */
  overview: Camera
}

export interface Sorted {
  kind: 'sorted'
  /** Rows of texels, one for each that is drawn, the farthest first: index, colour transmitted and reflected, nothing. */
  texels: Uint32Array
  count: number
  /** Depth that one in fifty of them is nearer than, in the units of the scene. */
  nearest: number
  /** What variances are multiplied by, to make up for those that are not drawn. */
  growth: number
}

export interface Failed {
  kind: 'failed'
  reason: string
}

export type Asked = Load | Sort
export type Told = Loaded | Sorted | Failed
