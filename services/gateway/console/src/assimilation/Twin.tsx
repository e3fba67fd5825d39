// What came of a twin experiment: its errors, and whether the ensemble knew of them.

import { Facts } from '../ui/facts'
import { duration, number } from '../ui/figures'
import { RankHistogram } from './RankHistogram'
import type { CycleReport } from './service'

export function Twin({ report }: { report: CycleReport }) {
  const unit = report.spec.system === 'atmosphere' ? ' σ' : ''
  const figure = (value: number | undefined) => (value === undefined ? undefined : `${number(value, 3)}${unit}`)
  return (
    <>
      {report.diverged !== undefined && (
        <p class="notice bad">
          The filter diverged at analysis {report.diverged}. More members, inflation or localisation may hold it.
        </p>
      )}
      <Facts
        of={[
          ['RMSE of analyses', figure(report.rmse_analysis)],
          ['RMSE of forecasts', figure(report.rmse_forecast)],
          ['Spread', figure(report.spread)],
          ['CRPS', figure(report.crps)],
          ['Spread / error', report.spread_skill === undefined ? undefined : number(report.spread_skill)],
        ]}
      />
      <p class="hint">
        Errors are root mean squares over the state,{' '}
        {unit ? 'in standard deviations of each channel' : 'in the system’s own units'}, after the burn-in.
        {report.spec.members ? ` ${report.spec.members} members.` : ''} It took {duration(report.seconds)}.
      </p>
      {report.rank_histogram.length > 0 && <RankHistogram counts={report.rank_histogram.map(Number)} />}
    </>
  )
}
