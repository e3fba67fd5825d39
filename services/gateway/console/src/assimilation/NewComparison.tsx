// The form that begins a comparison of methods on the same held-out cases.

import { useState } from 'preact/hooks'
import { Problem } from '../api/problem'
import { Choice, Input } from '../ui/controls'
import { ProblemNote } from '../ui/notes'
import { compared } from './service'

const SYSTEMS = [
  { value: 'atmosphere', label: 'Atmosphere, a two-level model' },
  { value: 'winds', label: 'Monthly winds, observed' },
] as const

export function NewComparison({ onBegun }: { onBegun: (operation: string) => void }) {
  const [system, setSystem] = useState<(typeof SYSTEMS)[number]['value']>('winds')
  const [percent, setPercent] = useState(1)
  const [cases, setCases] = useState(8)
  const [problem, setProblem] = useState<Problem>()

  async function submit(event: Event) {
    event.preventDefault()
    setProblem(undefined)
    try {
      onBegun(await compared({ system, observed: percent / 100, cases, seed: 1, methods: [] }))
    } catch (thrown) {
      setProblem(Problem.from(thrown))
    }
  }

  return (
    <form class="card" onSubmit={submit}>
      <h2>Comparison of methods</h2>
      <Choice label="Of what" name="system" value={system} options={SYSTEMS} onChange={setSystem} wrong={problem} />
      <div class="grid">
        <Input
          label="Observed, % of cells"
          name="observed"
          type="number"
          min={0.01}
          max={10}
          step={0.01}
          value={percent}
          onInput={(event) => setPercent(event.currentTarget.valueAsNumber)}
          wrong={problem}
        />
        <Input
          label="Held-out cases"
          name="cases"
          hint={system === 'winds' ? '5 to 32 months' : 'at least 2'}
          type="number"
          min={2}
          value={cases}
          onInput={(event) => setCases(event.currentTarget.valueAsNumber)}
          wrong={problem}
        />
      </div>
      {problem && <ProblemNote problem={problem} />}
      <div class="row">
        <button type="submit" class="button main">
          Compare
        </button>
      </div>
    </form>
  )
}
