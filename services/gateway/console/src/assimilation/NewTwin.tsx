// The form that begins a twin experiment: a truth, observations of it, and cycles of forecast and analysis.

import { useState } from 'preact/hooks'
import { Problem } from '../api/problem'
import { Choice, Input } from '../ui/controls'
import { about } from '../ui/figures'
import { ProblemNote } from '../ui/notes'
import { cycled, type Method, type System } from './service'

interface Props {
  methods: Method[]
  systems: System[]
  onBegun: (operation: string) => void
}

/** Fields that a method may take, and what each is of. */
const OPTIONS = [
  {
    name: 'inflation',
    label: 'Inflation',
    hint: 'Factor of the anomalies after each analysis; 1 leaves them.',
    step: 0.01,
  },
  {
    name: 'localization',
    label: 'Localisation',
    hint: 'Radius in variables of the system, on the atmosphere in km.',
    step: 1,
  },
  {
    name: 'amplitude',
    label: 'Amplitude',
    hint: 'Factor from the climate’s covariance to that of background errors.',
    step: 0.01,
  },
] as const

/** What holds a filter of twenty members on Lorenz’s systems; one that finds its inflation itself is given none. */
function tried(system: string, method: string): Record<string, number> {
  return system === 'atmosphere' || method === 'enkf_n' ? {} : { inflation: 1.04, localization: 4 }
}

export function NewTwin({ methods, systems, onBegun }: Props) {
  const cycling = systems.filter(({ name }) => methods.some((method) => method.systems.includes(name)))
  const [system, setSystem] = useState(cycling.find(({ name }) => name === 'lorenz96')?.name ?? cycling[0]!.name)
  const fitting = methods.filter((method) => method.systems.includes(system))
  const [chosen, setMethod] = useState('letkf')
  const method = fitting.find(({ name }) => name === chosen) ?? fitting[0]!
  const [members, setMembers] = useState(20)
  const [cycles, setCycles] = useState(1000)
  const [options, setOptions] = useState(tried(system, method.name))
  const [problem, setProblem] = useState<Problem>()

  async function submit(event: Event) {
    event.preventDefault()
    setProblem(undefined)
    const taken = Object.fromEntries(
      Object.entries(options).filter(([name, value]) => value && method.options.includes(name)),
    )
    const ensemble = method.ensemble ? { members } : {}
    try {
      onBegun(await cycled({ system, method: method.name, cycles, seed: 1, ...ensemble, ...taken }))
    } catch (thrown) {
      setProblem(Problem.from(thrown))
    }
  }

  return (
    <form class="card" onSubmit={submit}>
      <h2>Twin experiment</h2>
      <div class="halves">
        <Choice
          label="System"
          name="system"
          value={system}
          hint={about(cycling.find(({ name }) => name === system)!.description)}
          options={cycling.map(({ name }) => ({ value: name, label: name }))}
          onChange={(next) => {
            setSystem(next)
            setOptions(tried(next, method.name))
          }}
          wrong={problem}
        />
        <Choice
          label="Method"
          name="method"
          value={method.name}
          hint={about(method.description)}
          options={fitting.map(({ name }) => ({ value: name, label: name }))}
          onChange={(next) => {
            setMethod(next)
            setOptions(tried(system, next))
          }}
          wrong={problem}
        />
      </div>
      <div class="grid">
        {method.ensemble && (
          <Input
            label="Members"
            name="members"
            type="number"
            min={2}
            value={members}
            onInput={(event) => setMembers(event.currentTarget.valueAsNumber)}
            wrong={problem}
          />
        )}
        <Input
          label="Analyses"
          name="cycles"
          type="number"
          min={1}
          value={cycles}
          onInput={(event) => setCycles(event.currentTarget.valueAsNumber)}
          wrong={problem}
        />
        {OPTIONS.filter(({ name }) => method.options.includes(name)).map(({ name, label, hint, step }) => (
          <Input
            key={name}
            label={label}
            name={name}
            hint={hint}
            type="number"
            min={0}
            step={step}
            value={options[name] ?? ''}
            onInput={(event) => setOptions({ ...options, [name]: event.currentTarget.valueAsNumber })}
            wrong={problem}
          />
        ))}
      </div>
      {problem && <ProblemNote problem={problem} />}
      <div class="row">
        <button type="submit" class="button main">
          Run
        </button>
      </div>
    </form>
  )
}
