// What came of a comparison: each method's figure with its interval, and how it differs from the reference.

import { useState } from 'preact/hooks'
import { Axis, Whisker } from '../charts/Whisker'
import { scaleOf } from '../charts/scale'
import { Choice } from '../ui/controls'
import { duration, number } from '../ui/figures'
import type { CompareReport } from './service'

const NAMES: Record<string, string> = {
  mse_analysis: 'Mean square error of the analysis',
  mse_member: 'Mean square error of one member',
  rmse_analysis: 'RMSE of the analysis',
  rmse_forecast: 'RMSE of the forecast, 48 h later',
  rmse_eastward: 'RMSE of the eastward wind',
  rmse_northward: 'RMSE of the northward wind',
  crps: 'Continuous ranked probability score',
  spread_skill: 'Spread over error',
  physics: 'Closeness to geostrophy',
}
/** Figures without a unit. */
const PLAIN = new Set(['spread_skill', 'physics'])

export function Comparison({ report }: { report: CompareReport }) {
  const figures = [...new Set(report.methods.flatMap(({ figures }) => Object.keys(figures)))]
  const [figure, setFigure] = useState(figures.includes('rmse_analysis') ? 'rmse_analysis' : figures[0]!)
  const rows = report.methods.flatMap(({ method, figures, seconds }) => {
    const found = figures[figure]
    return found ? [{ method, seconds, ...found }] : []
  })
  const scale = scaleOf(rows.flatMap(({ value, low, high }) => [value, low, high]))
  const unit = PLAIN.has(figure) ? '' : `, ${unitOf(figure, report.spec.system)}`
  return (
    <>
      <Choice
        label="Figure"
        value={figure}
        options={figures.map((value) => ({ value, label: NAMES[value] ?? value }))}
        onChange={setFigure}
      />
      <div class="table" tabIndex={0} role="group" aria-label="Methods">
        <table class="board">
          <caption>
            {NAMES[figure] ?? figure}
            {unit}; bars are 95 % intervals; differences are from {report.reference} on the same cases
          </caption>
          <thead>
            <tr>
              <th>Method</th>
              <th class="number">Value</th>
              <th class="wide">
                <Axis scale={scale} />
              </th>
              <th class="number">Difference</th>
              <th class="number">Time</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ method, seconds, difference, ...found }) => (
              <tr key={method}>
                <th scope="row">{method}</th>
                <td class="number">{number(found.value, 3)}</td>
                <td class="wide">
                  <Whisker scale={scale} {...found} />
                </td>
                <td class="number">
                  {difference
                    ? `${number(difference.value, 3)} (${number(difference.low, 3)} to ${number(difference.high, 3)})`
                    : '–'}
                </td>
                <td class="number">{duration(seconds)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  )
}

function unitOf(figure: string, system: string): string {
  const square = figure.startsWith('mse')
  if (system === 'winds') return square ? 'm²/s²' : 'm/s'
  return square ? 'variances of each channel' : 'standard deviations of each channel'
}
