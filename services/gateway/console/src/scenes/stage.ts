// A model, the worker that sorts it and the canvas that it is drawn on, while a person looks around.

import { view, type Camera } from '../look/camera'
import type { Asked, Loaded, Sorted, Told } from './messages'
import { Renderer, type Component, type Size } from './renderer'

/** The camera is taken to be still after this time, ms. */
const STILL = 200
/** Nothing nearer is drawn, as in gsplat, in the units of the scene. */
const NEAR = 0.01
/** A draft may have this many times as many Gaussians as there is time for. */
const TOO_MANY = 1.5

export interface Stage {
  look(camera: Camera): void
  show(component: Component): void
  /** Takes up the size that the canvas has on the page now. */
  resize(): void
  /** Ends when all is drawn of what is looked at. */
  settled(): Promise<void>
  close(): void
}

/** Reads a PLY, and answers the model when it can be seen. */
export async function open(
  canvas: HTMLCanvasElement,
  file: Blob,
  failed: (reason: string) => void,
): Promise<{ stage: Stage; model: Loaded }> {
  const renderer = new Renderer(canvas, NEAR)
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
  const ask = (message: Asked) => worker.postMessage(message)

  function close() {
    worker.terminate()
    renderer.close()
  }

  const model = await new Promise<Loaded>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<Told>) =>
      data.kind === 'loaded' ? resolve(data) : reject(new Error(data.kind === 'failed' ? data.reason : data.kind))
    worker.onerror = () => reject(new Error('the model could not be read'))
    ask({ kind: 'load', file })
  })
    .then((loaded) => {
      renderer.load(loaded)
      return loaded
    })
    .catch((thrown) => {
      close()
      throw thrown
    })

  let camera: Camera | undefined
  let component: Component = 'all'
  /** Of a whole picture, in pixels. */
  let size: Size = { width: 1, height: 1 }
  let changed = 0
  /** What is looked at has changed since an order was asked for, or since a picture was begun. */
  let unsorted = false
  let stale = false
  let sorting = false
  /** The last order that was asked for leaves some of the Gaussians out. */
  let partial = false
  let sorted: Sorted | undefined
  /** Gaussians of the order that is drawn by. */
  let ordered: number | undefined
  /** The last picture that was begun has all that there is to see. */
  let whole = false
  let scheduled = 0
  let waiting: (() => void)[] = []

  worker.onmessage = ({ data }: MessageEvent<Told>) => {
    if (data.kind === 'sorted') {
      sorting = false
      sorted = data
      schedule()
    } else if (data.kind === 'failed') failed(data.reason)
  }

  function schedule() {
    scheduled ||= requestAnimationFrame(tick)
  }

  function tick() {
    scheduled = 0
    if (!camera) return
    const moving = performance.now() - changed < STILL
    if (!sorting && (unsorted || (partial && !moving))) sort(camera, moving ? renderer.affordable : model.count)
    // A whole picture of what is no longer looked at is given up; a draft is shown first. The next one is begun a frame
    // later: a browser without a GPU copies what is shown by waiting for all that the canvas was given.
    if (renderer.drawing === undefined || (renderer.drawing === 'whole' && moving)) begin(camera, moving)
    else renderer.step(component)
    if (whole && renderer.drawing === undefined) release()
    else schedule()
  }

  function sort(camera: Camera, most: number) {
    unsorted = false
    sorting = true
    partial = most < model.count
    ask({ kind: 'sort', view: view(camera, size.width / size.height), near: NEAR, most })
  }

  function begin(camera: Camera, moving: boolean) {
    if (sorted) {
      renderer.order(sorted)
      ordered = sorted.count
      sorted = undefined
      stale = true
    }
    if (ordered === undefined) return
    const last = !moving && !unsorted && !sorting && !partial
    if (last ? whole : !stale) return
    // At the beginning of a motion the order is that of a whole picture: the one for a draft is on its way.
    if (!last && ordered > TOO_MANY * renderer.affordable) return
    renderer.begin(view(camera, size.width / size.height), last ? 'whole' : 'draft', size)
    renderer.step(component)
    whole = last
    stale = false
  }

  function change() {
    changed = performance.now()
    unsorted = true
    stale = true
    whole = false
    schedule()
  }

  function release() {
    waiting.forEach((resolve) => resolve())
    waiting = []
  }

  const stage: Stage = {
    look(next) {
      camera = next
      change()
    },
    show(next) {
      component = next
      renderer.show(component)
    },
    resize() {
      const ratio = Math.min(devicePixelRatio, 2)
      const width = Math.max(1, Math.round(canvas.clientWidth * ratio))
      const height = Math.max(1, Math.round(canvas.clientHeight * ratio))
      if (width === size.width && height === size.height) return
      size = { width, height }
      change()
    },
    settled() {
      return new Promise((resolve) => {
        waiting.push(resolve)
        schedule()
      })
    },
    close() {
      cancelAnimationFrame(scheduled)
      camera = undefined
      close()
      release()
    },
  }
  return { stage, model }
}
