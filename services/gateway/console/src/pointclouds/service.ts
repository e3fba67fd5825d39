// What the point-cloud service does with clouds.

import { api } from '../api/client'
import { lines } from '../api/lines'
import { encoded, TensorReader, type TensorPart } from '../tensors'
import type { Cloud } from './cloud'

export interface Model {
  name: string
  description: string
  tasks: string[]
  trained_on: string
  limits: string
  parameters: string
}

export interface Vector {
  x: number
  y: number
  z: number
}

export interface Box {
  label: string
  score: number
  center: Vector
  size: Vector
  /** About z, in radians. */
  yaw: number
}

export interface Found {
  boxes: Box[]
  notes: string[]
}

export interface Probability {
  label: string
  probability: number
}

export interface Example {
  cloud: Cloud
  label: string
}

interface Answer {
  tensor?: TensorPart
}

export async function models(): Promise<Model[]> {
  return (await api.get<{ models: Model[] }>('/v1/pointcloud/models')).models
}

/** Points that the model adds to a cloud and, where it hid some of it, those that it was shown. */
export async function reconstructed(
  cloud: Cloud,
  task: 'TASK_COMPLETE' | 'TASK_UNMASK',
  signal: AbortSignal,
): Promise<{ added: Float64Array; visible?: Float64Array }> {
  const reader = new TensorReader()
  for await (const { tensor } of lines<Answer>('/v1/pointcloud:reconstruct', asked({ task }, [{ cloud }]), signal)) {
    if (tensor) reader.feed(tensor)
  }
  const added = reader.tensors.get('added')
  if (!added) throw new Error('the answer ended before it was whole; ask again')
  const visible = reader.tensors.get('visible')
  return { added: Float64Array.from(added.values), ...(visible ? { visible: Float64Array.from(visible.values) } : {}) }
}

/** Objects in a scene, in metres with z up. */
export async function detected(cloud: Cloud, leastScore: number, signal: AbortSignal): Promise<Found> {
  const messages = asked({ min_score: leastScore }, [{ cloud }])
  return api.post<Found>('/v1/pointcloud:detect', ndjson(messages), { signal, headers: NDJSON })
}

/** What a cloud is, by a few examples; the most probable class first. */
export async function classified(
  cloud: Cloud,
  examples: Example[],
  model: string,
  signal: AbortSignal,
): Promise<Probability[]> {
  const messages = asked({ model }, [...examples, { cloud }])
  for await (const { classes } of lines<{ classes: Probability[] }>('/v1/pointcloud:classify', messages, signal)) {
    return classes
  }
  throw new Error('the answer ended before it was whole; ask again')
}

const NDJSON = { 'Content-Type': 'application/x-ndjson' }

function ndjson(messages: object[]): Blob {
  return new Blob(messages.map((message) => `${JSON.stringify(message)}\n`))
}

/** The messages of a request: its specification, then clouds with their labels. */
function asked(spec: object, clouds: { cloud: Cloud; label?: string }[]): object[] {
  const parts = (name: string, values: Float64Array | Uint8Array) =>
    encoded(name, values, [values.length / 3, 3]).map((tensor) => ({ tensor }))
  return [
    { spec },
    ...clouds.flatMap(({ cloud: { points, colours }, label = '' }) => [
      { cloud: { coloured: colours !== undefined, label } },
      ...parts('points', points),
      ...(colours ? parts('colours', colours) : []),
    ]),
  ]
}
