// A figure as a dot on its interval.

import './charts.css'
import { along, type Scale } from './scale'

interface Figure {
  value?: number | undefined
  low?: number | undefined
  high?: number | undefined
}

export function Whisker({ scale, value, low, high }: Figure & { scale: Scale }) {
  if (value === undefined) return null
  return (
    <svg class="whisker" viewBox="0 0 100 20" preserveAspectRatio="none" aria-hidden="true">
      {scale.ticks.map((tick) => (
        <line class="tick" key={tick} x1={along(scale, tick)} x2={along(scale, tick)} y1="0" y2="20" />
      ))}
      {low !== undefined && high !== undefined && (
        <line class="interval" x1={along(scale, low)} x2={along(scale, high)} y1="10" y2="10" />
      )}
      <line class="dot" x1={along(scale, value)} x2={along(scale, value)} y1="10" y2="10" />
    </svg>
  )
}

/** The numbers of the axis, above its whiskers. */
export function Axis({ scale }: { scale: Scale }) {
  return (
    <div class="axis" aria-hidden="true">
      {[scale.least, scale.most].map((tick) => (
        <span key={tick}>{String(tick).replace('-', '−')}</span>
      ))}
    </div>
  )
}
