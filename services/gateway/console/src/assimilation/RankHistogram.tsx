// How often the truth had so many members below it: level where the ensemble is calibrated.

const MOST_BARS = 60

export function RankHistogram({ counts }: { counts: number[] }) {
  const bars = merged(counts, MOST_BARS)
  const total = bars.reduce((sum, count) => sum + count, 0) || 1
  const level = 1 / bars.length
  const highest = Math.max(2 * level, ...bars.map((count) => count / total))
  const height = (share: number) => (100 * share) / highest
  return (
    <figure class="histogram">
      <svg
        viewBox={`0 0 ${bars.length} 100`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Rank histogram: ${shape(bars)}`}
      >
        {bars.map((count, index) => (
          <rect
            key={index}
            x={index + 0.08}
            width={0.84}
            y={100 - height(count / total)}
            height={height(count / total)}
          />
        ))}
        <line x1="0" x2={bars.length} y1={100 - height(level)} y2={100 - height(level)} />
      </svg>
      <figcaption class="hint">
        Rank of the truth among the members, from below all to above all. The line is where a calibrated ensemble is:{' '}
        {shape(bars)}.
      </figcaption>
    </figure>
  )
}

/** No more bars than these, neighbours taken together. */
export function merged(counts: number[], most: number): number[] {
  const width = Math.ceil(counts.length / most)
  const bars = Array.from({ length: Math.ceil(counts.length / width) }, () => 0)
  counts.forEach((count, index) => (bars[Math.floor(index / width)]! += count))
  return bars
}

/** What the outer tenths say against the rest. */
export function shape(bars: number[]): string {
  const edge = Math.max(1, Math.round(bars.length / 10))
  const mean = (part: number[]) => part.reduce((sum, count) => sum + count, 0) / (part.length || 1)
  const ratio = mean([...bars.slice(0, edge), ...bars.slice(-edge)]) / (mean(bars.slice(edge, -edge)) || 1)
  if (ratio > 1.3) return 'its spread is too small'
  if (ratio < 0.77) return 'its spread is too large'
  return 'its spread is about right'
}
