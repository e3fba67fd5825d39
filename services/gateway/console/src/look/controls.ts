// Looking around by mouse, touch and keyboard.

import { useRef } from 'preact/hooks'
import { moved, nearer, turned, type Camera, type Vector } from './camera'

/** Of a turn by the keyboard, and by a drag across the shorter side of the canvas, in radians. */
const KEY_TURN = 0.06
const DRAG_TURN = 2.5
/** How much nearer a step of the wheel or of the keyboard goes. */
const STEP = 0.9

/** What the keys do, for those who cannot see it. */
export const KEYS =
  'Arrow keys turn it, with shift they move it, plus and minus go nearer and farther, Home returns to the first view.'

/** Handlers that turn by one pointer, move by one with shift or the right button, and zoom by wheel or by two. */
export function useControls(
  change: (how: (camera: Camera) => Camera) => void,
  up: { current: Vector },
  start: { current: Camera | undefined },
) {
  const down = useRef(new Map<number, { x: number; y: number }>())
  return {
    onKeyDown(event: KeyboardEvent) {
      const turn = (yaw: number, pitch: number) => (from: Camera) =>
        event.shiftKey ? moved(from, -yaw, -pitch) : turned(from, yaw, pitch, up.current)
      const actions: Record<string, (from: Camera) => Camera> = {
        ArrowLeft: turn(-KEY_TURN, 0),
        ArrowRight: turn(KEY_TURN, 0),
        ArrowUp: turn(0, -KEY_TURN),
        ArrowDown: turn(0, KEY_TURN),
        '+': (from) => nearer(from, STEP),
        '=': (from) => nearer(from, STEP),
        '-': (from) => nearer(from, 1 / STEP),
        Home: (from) => start.current ?? from,
      }
      const action = actions[event.key]
      if (!action || event.ctrlKey || event.metaKey || event.altKey) return
      event.preventDefault()
      change(action)
    },
    onPointerDown(event: PointerEvent) {
      ;(event.currentTarget as HTMLElement).setPointerCapture(event.pointerId)
      down.current.set(event.pointerId, { x: event.clientX, y: event.clientY })
    },
    onPointerMove(event: PointerEvent) {
      const from = down.current.get(event.pointerId)
      if (!from) return
      const to = { x: event.clientX, y: event.clientY }
      const { clientWidth, clientHeight } = event.currentTarget as HTMLElement
      const side = Math.min(clientWidth, clientHeight)
      const across = (to.x - from.x) / side
      const along = (to.y - from.y) / side
      const other = [...down.current].find(([id]) => id !== event.pointerId)?.[1]
      down.current.set(event.pointerId, to)
      if (other) {
        const span = (at: { x: number; y: number }) => Math.hypot(at.x - other.x, at.y - other.y) || 1
        change((camera) => nearer(camera, span(from) / span(to)))
      } else if (event.shiftKey || event.buttons === 2) change((camera) => moved(camera, across, along))
      else change((camera) => turned(camera, DRAG_TURN * across, -DRAG_TURN * along, up.current))
    },
    onPointerUp: (event: PointerEvent) => void down.current.delete(event.pointerId),
    onPointerCancel: (event: PointerEvent) => void down.current.delete(event.pointerId),
    onContextMenu: (event: Event) => event.preventDefault(),
    onWheel(event: WheelEvent) {
      event.preventDefault()
      change((camera) => nearer(camera, Math.exp(Math.sign(event.deltaY) * 0.1)))
    },
  }
}
