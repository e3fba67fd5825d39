// The report of one evaluation: its figures with intervals, by group, and item by item.

import { useState } from 'preact/hooks'
import { download } from '../api/download'
import { Problem } from '../api/problem'
import { Choice } from '../ui/controls'
import { Facts } from '../ui/facts'
import { number } from '../ui/figures'
import { Loading, useLoaded } from '../ui/loading'
import { ProblemNote } from '../ui/notes'
import { Items } from './Items'
import { scaleOf } from '../charts/scale'
import { items, words, type Metric, type Result } from './service'
import { Axis, Whisker } from '../charts/Whisker'

const FILES = ['report.html', 'report.json', 'items.jsonl', 'predictions.jsonl']

export function ReportView({ result, onClose }: { result: Result; onClose: () => void }) {
  const { report, files } = result
  const [problem, setProblem] = useState<Problem>()
  const dimensions = [...new Set(report.groups.map(({ dimension }) => dimension))]
  const [dimension, setDimension] = useState(dimensions[0] ?? '')
  const samples = useLoaded(() => items(result), [files['items.jsonl']])
  return (
    <section class="card" aria-labelledby="report">
      <div class="row apart">
        <h2 id="report">
          {report.model || 'Predictions'} on {report.suite}, {report.variant}
        </h2>
        <button type="button" class="button small" onClick={onClose}>
          Close
        </button>
      </div>
      <Facts
        of={[
          ['Items', report.items],
          ['Answered', `${Math.round(100 * report.coverage)} %`],
          ['Judge', report.judge || 'none'],
          ['Given up', report.given_up],
        ]}
      />
      <Metrics caption="Over all items" rows={report.metrics.map((metric) => [words(metric.name), metric])} />
      {dimensions.length > 0 && (
        <>
          <Choice
            label="By"
            value={dimension}
            options={dimensions.map((value) => ({ value, label: words(value) }))}
            onChange={setDimension}
          />
          <Metrics
            caption={`By ${words(dimension)}`}
            rows={report.groups
              .filter((group) => group.dimension === dimension)
              .flatMap((group) => group.metrics.map((metric) => [`${words(group.name)}, ${words(metric.name)}`, metric] as const))}
          />
        </>
      )}
      <div class="row">
        {FILES.filter((name) => files[name]).map((name) => (
          <button
            type="button"
            class="button small"
            key={name}
            onClick={() =>
              download(`/v1/artifacts/${files[name]}/content`, name).catch((thrown) => setProblem(Problem.from(thrown)))
            }
          >
            Download {name}
          </button>
        ))}
      </div>
      {problem && <ProblemNote problem={problem} />}
      <Loading of={samples}>{(list) => <Items items={list} />}</Loading>
    </section>
  )
}

function Metrics({ caption, rows }: { caption: string; rows: readonly (readonly [string, Metric])[] }) {
  const values = rows.flatMap(([, { value, low, high }]) => [value, low, high]).filter((value) => value !== undefined)
  const scale = scaleOf(values.length ? values : [0, 1])
  return (
    <div class="table" tabIndex={0} role="group" aria-label={caption}>
      <table class="board">
        <caption>{caption}; bars are 95 % intervals</caption>
        <thead>
          <tr>
            <th>Metric</th>
            <th class="number">Value</th>
            <th class="number">Items</th>
            <th class="wide">
              <Axis scale={scale} />
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([name, metric]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class="number">{metric.value === undefined ? '–' : number(metric.value, 3)}</td>
              <td class="number">{metric.n}</td>
              <td class="wide">
                {metric.unavailable ? (
                  <span class="hint">{metric.unavailable}</span>
                ) : (
                  <Whisker scale={scale} {...metric} />
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
