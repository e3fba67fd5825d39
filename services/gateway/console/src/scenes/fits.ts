// Fits of scenes, as the splat service has them.

import { api } from '../api/client'
import { requestId, type Operation } from '../api/work'

export interface FitSpec {
  scene: string
  mode: 'MODE_REF_UNLOCK' | 'MODE_3DGS'
  iterations: number
  seed: number | string
}

export interface FitReport {
  spec: FitSpec
  model: string
  preview: string
  gaussians: string
  psnr_held_out?: number
  seconds: number
}

export interface SceneDescription {
  views: string[]
  held_out: string[]
  width: number
  height: number
  points: string
  folders: string[]
}

export async function describedScene(scene: string): Promise<SceneDescription> {
  const answer = await api.post<{ scene: SceneDescription }>('/v1/splat:describe', { scene })
  return answer.scene
}

export async function begun(spec: Partial<FitSpec>): Promise<string> {
  const answer = await api.post<{ operation: string }>('/v1/splat:fit', { request_id: requestId(), spec })
  return answer.operation
}

/** Fits, the newest first. */
export async function fits(): Promise<Operation<FitReport>[]> {
  const answer = await api.get<{ operations?: Operation<FitReport>[] }>('/v1/splat/operations')
  return (answer.operations ?? []).filter((operation) => operation.metadata?.kind === 'splat.fit')
}

/** A model that is no PLY, as one: SHA-256 of the new file. */
export async function asPly(model: string): Promise<string> {
  const answer = await api.post<{ model: string }>('/v1/splat:convert', { model, format: 'MODEL_FORMAT_PLY' })
  return answer.model
}

/** The picture that the news of a fit end with, SHA-256; undefined before there is one. */
export function previewIn(message: string | undefined): string | undefined {
  return /, preview ([0-9a-f]{64})$/.exec(message ?? '')?.[1]
}

/** The news without that. */
export function withoutPreview(message: string | undefined): string {
  return (message ?? '').replace(/, preview [0-9a-f]{64}$/, '')
}
