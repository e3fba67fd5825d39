import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { onColours } from '../ui/theme'

export interface Curve {
  label: string
  values: number[]
  dashed?: boolean
}

/** A quantity over depth, downwards, with a band of one standard deviation where it is known. */
export function Profile(props: {
  depth: ArrayLike<number>
  /** What stands at the axes, each with its unit. */
  depthLabel: string
  label: string
  curves: readonly Curve[]
  std?: number[] | undefined
}) {
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const element = box.current!
    let chart: uPlot | undefined
    const draw = () => {
      chart?.destroy()
      chart = new uPlot(options(element, props), data(props), element)
    }
    draw()
    const fit = new ResizeObserver(() => chart?.setSize({ width: element.clientWidth, height: HEIGHT }))
    fit.observe(element)
    const forget = onColours(draw)
    return () => {
      fit.disconnect()
      forget()
      chart?.destroy()
    }
  }, [props.depth, props.curves, props.std, props.depthLabel, props.label])
  return (
    <div
      ref={box}
      class="profile"
      role="img"
      aria-label={`Profile over depth of ${props.curves.map((c) => c.label).join(', ')}`}
    />
  )
}

const HEIGHT = 340

function data({ depth, curves, std }: Parameters<typeof Profile>[0]): uPlot.AlignedData {
  const known = (values: number[]) => values.map((value) => (Number.isNaN(value) ? null : value))
  const band = std ? [curves[0]!.values.map((v, i) => v + std[i]!), curves[0]!.values.map((v, i) => v - std[i]!)] : []
  return [Array.from(depth), ...band.map(known), ...curves.map(({ values }) => known(values))]
}

function options(box: HTMLElement, { depthLabel, label: axisLabel, curves, std }: Parameters<typeof Profile>[0]): uPlot.Options {
  const style = getComputedStyle(box)
  const [ink, accent, line] = [style.color, style.outlineColor, style.borderTopColor]
  const axis = {
    stroke: ink,
    grid: { stroke: line, width: 1 },
    ticks: { stroke: line, width: 1 },
    font: `12px ${style.fontFamily}`,
    labelFont: `12px ${style.fontFamily}`,
  }
  const edge = { stroke: 'transparent', points: { show: false } }
  return {
    width: box.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false, ori: 1, dir: -1 }, y: { ori: 0, dir: 1 } },
    axes: [
      { ...axis, scale: 'x', side: 3, label: depthLabel, size: 52, labelSize: 18 },
      { ...axis, scale: 'y', side: 0, label: axisLabel, size: 34, labelSize: 18 },
    ],
    series: [
      {},
      ...(std ? [edge, edge] : []),
      ...curves.map(({ label, dashed }) => ({
        label,
        stroke: dashed ? ink : accent,
        width: 2,
        ...(dashed && { dash: [6, 4] }),
        points: { show: !dashed, size: 4, fill: accent },
      })),
    ],
    ...(std && { bands: [{ series: [1, 2] as [number, number], fill: style.backgroundColor }] }),
  }
}
