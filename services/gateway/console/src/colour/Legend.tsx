import { useEffect, useRef } from 'preact/hooks'
import { number } from '../ui/figures'
import { packed, type Scale } from './scale'

/** The colours of a scale from its low to its high end, with the unit. */
export function Legend({ scale, unit }: { scale: Scale; unit: string }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    const context = canvas.current!.getContext('2d')!
    const image = context.createImageData(256, 1)
    new Uint32Array(image.data.buffer).set(packed(scale.table))
    context.putImageData(image, 0, 0)
  }, [scale.table])
  const digits = scale.high - scale.low < 4 ? 2 : 1
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => scale.low + part * (scale.high - scale.low))
  return (
    <figure
      class="legend"
      aria-label={`Colours from ${number(scale.low, digits)} to ${number(scale.high, digits)} ${unit}`}
    >
      <canvas ref={canvas} width={256} height={1} aria-hidden="true" />
      <figcaption class="figures small">
        {ticks.map((tick, index) => (
          <span key={index}>
            {number(tick, digits)}
            {index === ticks.length - 1 && ` ${unit}`}
          </span>
        ))}
      </figcaption>
    </figure>
  )
}
