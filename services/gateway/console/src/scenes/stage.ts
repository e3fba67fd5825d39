// A model, the worker that sorts it and the canvas that it is drawn on, while a person looks around.

import { view, type Camera } from '../look/camera'
import type { Asked, Loaded, Sorted, Told } from './messages'
import { Renderer, type Component } from './renderer'

/** The camera is taken to be still after this time, ms. */
const STILL = 200
/** Nothing nearer is drawn, as in gsplat, in the units of the scene. */
const NEAR = 0.01

export interface Stage {
  look(camera: Camera): void
  show(component: Component): void
  /** Takes up the size that the canvas has on the page now. */
  resize(): void
  close(): void
}

/** Reads the PLY in `file`, which is given away, and answers the model when it can be seen. */
export async function open(
  canvas: HTMLCanvasElement,
  file: ArrayBuffer,
  failed: (reason: string) => void,
): Promise<{ stage: Stage; model: Loaded }> {
  const renderer = new Renderer(canvas, NEAR)
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
  const ask = (message: Asked, transfer: Transferable[] = []) => worker.postMessage(message, transfer)
  const model = await new Promise<Loaded>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<Told>) =>
      data.kind === 'loaded' ? resolve(data) : reject(new Error(data.kind === 'failed' ? data.reason : data.kind))
    worker.onerror = () => reject(new Error('the model could not be read'))
    ask({ kind: 'load', file }, [file])
  })
  renderer.load(model)

  let camera: Camera | undefined
  let component: Component = 'all'
  let changed = 0
  let unsorted = false
  let sorting = false
  let sorted: Sorted | undefined
  let stale = false
  let whole = false
  let scheduled = 0

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
    const seen = view(camera, canvas.width / canvas.height)
    if (unsorted && !sorting) {
      unsorted = false
      sorting = true
      ask({ kind: 'sort', view: seen, near: NEAR })
    }
    // A whole picture of what is no longer looked at is given up; one in motion is shown first.
    const busy = renderer.drawing > 0 && !(renderer.drawing === 1 && moving)
    if (busy) {
      renderer.step(component)
    } else {
      if (sorted) {
        renderer.order(sorted)
        sorted = undefined
        stale = true
        whole = false
      }
      if (stale || (!whole && !moving && !sorting)) {
        renderer.begin(seen, moving || sorting)
        whole = !moving && !sorting
        stale = false
      }
    }
    if (renderer.drawing > 0 || sorted || moving || unsorted || !(whole || sorting)) schedule()
  }

  function change() {
    changed = performance.now()
    unsorted = true
    stale = true
    whole = false
    schedule()
  }

  const stage: Stage = {
    look(next) {
      camera = next
      change()
    },
    show(next) {
      component = next
      if (renderer.drawing === 0) renderer.show(component)
    },
    resize() {
      const ratio = Math.min(devicePixelRatio, 2)
      const width = Math.max(1, Math.round(canvas.clientWidth * ratio))
      const height = Math.max(1, Math.round(canvas.clientHeight * ratio))
      if (width === canvas.width && height === canvas.height) return
      canvas.width = width
      canvas.height = height
      change()
    },
    close() {
      cancelAnimationFrame(scheduled)
      camera = undefined
      worker.terminate()
      renderer.close()
    },
  }
  return { stage, model }
}
