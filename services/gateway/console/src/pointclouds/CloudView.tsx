// A cloud that can be turned, with what was added to it and the boxes of what was found in it.

import { useEffect, useRef, useState } from 'preact/hooks'
import { overview, turned, view, type Camera, type Vector } from '../look/camera'
import { KEYS, useControls } from '../look/controls'
import '../look/look.css'
import { savePicture } from '../look/picture'
import { drawingOn, type Drawing } from './drawing'
import { boxShape, cloudShape, type ColourOf } from './shapes'
import type { Cloud } from './cloud'
import type { Box } from './service'

const UP: Vector = [0, 0, 1]

interface Props {
  name: string
  cloud: Cloud
  added: Float64Array
  boxes: Box[]
  colourOf: ColourOf
}

export function CloudView({ name, cloud, added, boxes, colourOf }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const drawing = useRef<Drawing | undefined>(undefined)
  const camera = useRef<Camera | undefined>(undefined)
  const start = useRef<Camera | undefined>(undefined)
  const scheduled = useRef(0)
  const [failure, setFailure] = useState('')

  const draw = () => {
    scheduled.current ||= requestAnimationFrame(() => {
      scheduled.current = 0
      const { width, height } = canvas.current!
      if (camera.current) drawing.current?.draw(view(camera.current, width / height), camera.current.distance)
    })
  }
  const look = (next: Camera) => {
    camera.current = next
    draw()
  }

  useEffect(() => {
    const element = canvas.current!
    try {
      drawing.current = drawingOn(element)
    } catch (thrown) {
      return setFailure((thrown as Error).message)
    }
    const sized = new ResizeObserver(() => {
      element.width = Math.max(1, element.clientWidth * Math.min(devicePixelRatio, 2))
      element.height = Math.max(1, element.clientHeight * Math.min(devicePixelRatio, 2))
      draw()
    })
    sized.observe(element)
    return () => {
      sized.disconnect()
      cancelAnimationFrame(scheduled.current)
      drawing.current?.close()
    }
  }, [])

  useEffect(() => {
    start.current = aside(cloud)
    look(start.current)
  }, [cloud])

  useEffect(() => {
    drawing.current?.set(cloudShape(cloud, added, colourOf), boxShape(boxes))
    draw()
  }, [cloud, added, boxes])

  const handlers = useControls((how) => camera.current && look(how(camera.current)), { current: UP }, start)
  return (
    <section class="look" aria-label="Viewer">
      <div class="row">
        <button type="button" class="button small" onClick={() => start.current && look(start.current)}>
          First view
        </button>
        <button type="button" class="button small" onClick={() => savePicture(canvas.current!, `${name}.png`)}>
          Save picture
        </button>
      </div>
      <canvas ref={canvas} tabIndex={0} role="application" aria-label={`The cloud. ${KEYS}`} {...handlers} />
      {failure && (
        <p class="wrong" role="alert">
          {failure}
        </p>
      )}
    </section>
  )
}

/** From the side and a little above, with z up. */
function aside(cloud: Cloud): Camera {
  const level: Camera = {
    ...overview(Float32Array.from(cloud.points), 3, 0.001),
    right: [1, 0, 0],
    down: [0, 0, -1],
    forward: [0, 1, 0],
  }
  return turned(level, 0.6, -0.4, UP)
}
