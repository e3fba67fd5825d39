import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Scale } from '../colour/scale'
import { place, quantity } from '../ui/figures'
import { onColours } from '../ui/theme'
import { draw, type Inks, type Scene } from './draw'
import { cellAt, type Cell, type Grid } from './grid'
import { useHand } from './hand'
import './map.css'
import { raster } from './raster'
import { at, clamped, showing, WORLD, zoomed, type Size, type View } from './view'

interface Props {
  grid: Grid
  /** One level, [latitude, longitude]; NaN where there is none. */
  values: Float32Array
  scale: Scale
  unit: string
  label: string
  chosen: Cell | undefined
  onChoose: (cell: Cell) => void
}

/** A field on the Earth: dragged, zoomed, read at a point, and asked for the profile there. */
export function FieldMap(props: Props) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const view = useRef<View>(WORLD)
  const size = useRef<Size>({ width: 1, height: 1 })
  const scene = useRef<Scene>(undefined)
  const due = useRef(0)
  const [coast, setCoast] = useState<Path2D>()
  const [inks, setInks] = useState<Inks>()
  const [under, setUnder] = useState<Cell>()
  const picture = useMemo(
    () => raster(props.values, props.grid, props.scale),
    [props.values, props.grid, props.scale.table, props.scale.low, props.scale.high],
  )

  const frame = () => {
    due.current ||= requestAnimationFrame(() => {
      due.current = 0
      const context = canvas.current?.getContext('2d', { alpha: false })
      if (context && scene.current)
        draw(context, scene.current, view.current, size.current, context.canvas.width / size.current.width)
    })
  }
  const look = (next: View) => {
    view.current = clamped(next, size.current)
    canvas.current?.classList.toggle('zoomed', view.current.zoom > 1)
    frame()
  }
  const cell = (x: number, y: number) => {
    const { longitude, latitude } = at(view.current, x, y, size.current)
    return cellAt(props.grid, longitude, latitude)
  }
  const choose = (chosen: Cell | undefined) => chosen && props.onChoose(chosen)

  useEffect(() => {
    void import('./coast').then(({ coastlines }) => setCoast(coastlines()))
    const element = canvas.current!
    const colours = () => setInks(inksOf(element))
    colours()
    const fit = new ResizeObserver(([entry]) => {
      const { width, height } = entry!.contentRect
      const ratio = Math.min(2, devicePixelRatio)
      size.current = { width, height }
      element.width = Math.round(width * ratio)
      element.height = Math.round(height * ratio)
      look(view.current)
    })
    fit.observe(element)
    const forget = onColours(colours)
    return () => {
      fit.disconnect()
      forget()
      cancelAnimationFrame(due.current)
    }
  }, [])
  useEffect(() => {
    if (!inks) return
    const { chosen, grid } = props
    const where = chosen && { longitude: grid.longitude[chosen.column]!, latitude: grid.latitude[chosen.row]! }
    scene.current = { picture, grid, coast, chosen: where, inks }
    frame()
  })

  useHand(canvas, {
    view: () => view.current,
    size: () => size.current,
    look,
    hover: (x, y) => setUnder(x < 0 ? undefined : cell(x, y)),
    press: (x, y) => choose(cell(x, y)),
  })
  const zoom = (factor: number) => () => {
    const { width, height } = size.current
    look(zoomed(view.current, factor, width / 2, height / 2, size.current))
  }
  const read = under ?? props.chosen
  const told = read && describe(read, props)
  return (
    <div class="map">
      <canvas
        ref={canvas}
        tabIndex={0}
        role="application"
        aria-label={`${props.label}. Arrow keys choose a cell, plus and minus zoom.`}
        onKeyDown={(event) => {
          const moved = keyed(event.key, props.chosen, props.grid)
          if (moved) {
            const { longitude, latitude } = props.grid
            look(showing(view.current, longitude[moved.column]!, latitude[moved.row]!, size.current))
            choose(moved)
          } else if (event.key === '+' || event.key === '=') zoom(1.5)()
          else if (event.key === '-') zoom(1 / 1.5)()
          else return
          event.preventDefault()
        }}
      />
      <div class="map-tools">
        <button type="button" class="button small" onClick={zoom(1.5)} aria-label="Zoom in">
          +
        </button>
        <button type="button" class="button small" onClick={zoom(1 / 1.5)} aria-label="Zoom out">
          −
        </button>
        <button type="button" class="button small" onClick={() => look(WORLD)}>
          Whole Earth
        </button>
      </div>
      <p class="figures small map-reading">
        {told ?? 'Point to read, click for the profile, Ctrl or ⌘ and the wheel to zoom.'}
      </p>
      <p class="unseen" aria-live="polite">
        {props.chosen && describe(props.chosen, props)}
      </p>
    </div>
  )
}

function describe({ row, column }: Cell, { grid, values, unit }: Props): string {
  const value = values[row * grid.longitude.length + column]!
  return `${place(grid.latitude[row]!, grid.longitude[column]!)}: ${Number.isNaN(value) ? 'no water' : quantity(value, unit)}`
}

/** The cell that an arrow key leads to. */
function keyed(key: string, from: Cell | undefined, grid: Grid): Cell | undefined {
  const [rows, columns] = [grid.latitude.length, grid.longitude.length]
  const north = grid.latitude[rows - 1]! > grid.latitude[0]! ? 1 : -1
  const ways: Record<string, [number, number]> = {
    ArrowUp: [north, 0],
    ArrowDown: [-north, 0],
    ArrowRight: [0, 1],
    ArrowLeft: [0, -1],
  }
  const way = ways[key]
  if (!way) return undefined
  const { row, column } = from ?? { row: Math.floor(rows / 2), column: Math.floor(columns / 2) }
  return { row: Math.min(rows - 1, Math.max(0, row + way[0])), column: (column + way[1] + columns) % columns }
}

/** The colours of the page, as they are now: a canvas knows no variables of style sheets. */
function inksOf(canvas: HTMLCanvasElement): Inks {
  const style = getComputedStyle(canvas)
  return {
    land: style.backgroundColor,
    line: style.borderTopColor,
    coast: style.color,
    mark: style.outlineColor,
  }
}
