// The axis that figures and their intervals are drawn on.

export interface Scale {
  least: number
  most: number
  ticks: number[]
}

/** A scale with round ends that holds these values, of three to six ticks. */
export function scaleOf(values: number[]): Scale {
  const low = Math.min(...values)
  const high = Math.max(...values)
  const span = high - low || Math.abs(high) || 1
  const power = 10 ** Math.floor(Math.log10(span / 3))
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => span / each <= 5)!
  const first = Math.floor(low / step + 1e-9)
  const last = Math.max(Math.ceil(high / step - 1e-9), first + 1)
  // Twelve digits: a tenth has no end in binary, and three of them are not what 0.3 is.
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)))
  return { least: ticks[0]!, most: ticks.at(-1)!, ticks }
}

/** Where a value stands, in per cent of the width. */
export function along({ least, most }: Scale, value: number): number {
  return (100 * (Math.min(Math.max(value, least), most) - least)) / (most - least)
}
