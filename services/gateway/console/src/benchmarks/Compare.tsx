// Two evaluations of the same questions, item by item.

import { useState } from 'preact/hooks'
import { Problem } from '../api/problem'
import type { Operation } from '../api/work'
import { Choice } from '../ui/controls'
import { moment, number } from '../ui/figures'
import { ProblemNote } from '../ui/notes'
import { scaleOf } from '../charts/scale'
import { compared, words, type Difference, type Result } from './service'
import { Axis, Whisker } from '../charts/Whisker'

export function Compare({ evaluations }: { evaluations: Operation<Result>[] }) {
  const [first, setFirst] = useState(evaluations[1]?.name ?? '')
  const [second, setSecond] = useState(evaluations[0]?.name ?? '')
  const [differences, setDifferences] = useState<Difference[]>()
  const [problem, setProblem] = useState<Problem>()
  const options = evaluations.map(({ name, response, metadata }) => ({
    value: name,
    label: `${response!.report.model || 'Predictions'}, ${response!.report.suite}, ${metadata?.created ? moment(metadata.created) : ''}`,
  }))
  const result = (name: string) => evaluations.find((each) => each.name === name)!.response!

  async function compare(event: Event) {
    event.preventDefault()
    setProblem(undefined)
    setDifferences(undefined)
    try {
      setDifferences(await compared(result(first), result(second)))
    } catch (thrown) {
      setProblem(Problem.from(thrown))
    }
  }

  return (
    <form class="card" onSubmit={compare}>
      <h2>Compare two</h2>
      <div class="halves">
        <Choice label="First" value={first} options={options} onChange={setFirst} />
        <Choice label="Second" value={second} options={options} onChange={setSecond} />
      </div>
      <div class="row">
        <button type="submit" class="button" disabled={first === second}>
          Compare
        </button>
        {first === second && <span class="hint">Choose two that differ.</span>}
      </div>
      {problem && <ProblemNote problem={problem} />}
      {differences && <Differences differences={differences} />}
    </form>
  )
}

function Differences({ differences }: { differences: Difference[] }) {
  if (!differences.length) return <p>They have no scored items in common.</p>
  const values = differences.flatMap(({ difference, low, high }) => [difference, low ?? 0, high ?? 0])
  const scale = scaleOf([0, ...values])
  return (
    <div class="table" tabIndex={0} role="group" aria-label="Differences">
      <table class="board">
        <caption>Second less first, on the items that both have scored; bars are 95 % intervals</caption>
        <thead>
          <tr>
            <th>Of</th>
            <th class="number">First</th>
            <th class="number">Second</th>
            <th class="number">Difference</th>
            <th class="number">p</th>
            <th class="number">Items</th>
            <th class="wide">
              <Axis scale={scale} />
            </th>
          </tr>
        </thead>
        <tbody>
          {differences.map((each) => (
            <tr key={`${each.metric} ${each.dimension} ${each.name}`}>
              <th scope="row">{`${words(each.metric)}, ${each.name ? words(each.name) : 'all'}`}</th>
              <td class="number">{number(each.a, 3)}</td>
              <td class="number">{number(each.b, 3)}</td>
              <td class="number">{number(each.difference, 3)}</td>
              <td class="number">{each.p === undefined ? '–' : each.p < 0.001 ? '< 0.001' : number(each.p, 3)}</td>
              <td class="number">{each.n}</td>
              <td class="wide">
                <Whisker scale={scale} value={each.difference} low={each.low} high={each.high} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
