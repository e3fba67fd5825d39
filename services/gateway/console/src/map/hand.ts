/** What a pointer does to the map: drags it, pinches it, turns the wheel with Ctrl or ⌘, hovers, presses. */

import type { RefObject } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { dragged, zoomed, type Size, type View } from './view'

export interface Hand {
  view: () => View
  size: () => Size
  look: (view: View) => void
  /** Where the pointer is; negative where it is no longer. */
  hover: (x: number, y: number) => void
  press: (x: number, y: number) => void
}

/** Pixels that a press may move without being a drag. */
const STILL = 4

export function useHand(canvas: RefObject<HTMLCanvasElement | null>, given: Hand): void {
  const hand = useRef(given)
  hand.current = given
  useEffect(() => {
    const element = canvas.current!
    const held = new Map<number, { x: number; y: number }>()
    let moved = 0
    const listen = <K extends keyof HTMLElementEventMap>(
      name: K,
      hear: (event: HTMLElementEventMap[K]) => void,
      options?: AddEventListenerOptions,
    ) => element.addEventListener(name, hear, { ...options, signal: gone.signal })
    const gone = new AbortController()
    listen('pointerdown', (event) => {
      element.setPointerCapture(event.pointerId)
      held.set(event.pointerId, { x: event.offsetX, y: event.offsetY })
      if (held.size === 1) moved = 0
    })
    listen('pointermove', (event) => {
      const { view, size, look, hover } = hand.current
      const before = held.get(event.pointerId)
      const now = { x: event.offsetX, y: event.offsetY }
      if (!before) return hover(now.x, now.y)
      moved += Math.hypot(now.x - before.x, now.y - before.y)
      const other = [...held].find(([id]) => id !== event.pointerId)?.[1]
      held.set(event.pointerId, now)
      if (other) {
        const factor = Math.hypot(now.x - other.x, now.y - other.y) / Math.hypot(before.x - other.x, before.y - other.y)
        look(zoomed(view(), factor || 1, other.x, other.y, size()))
      } else if (moved > STILL) look(dragged(view(), now.x - before.x, now.y - before.y, size()))
    })
    listen('pointerup', (event) => {
      if (held.delete(event.pointerId) && !held.size && moved <= STILL) hand.current.press(event.offsetX, event.offsetY)
    })
    listen('pointercancel', (event) => held.delete(event.pointerId))
    listen('pointerleave', () => hand.current.hover(-1, -1))
    listen(
      'wheel',
      (event) => {
        if (!event.ctrlKey && !event.metaKey) return // the page scrolls
        event.preventDefault()
        const { view, size, look } = hand.current
        look(zoomed(view(), Math.exp(-event.deltaY / 400), event.offsetX, event.offsetY, size()))
      },
      { passive: false },
    )
    return () => gone.abort()
  }, [])
}
