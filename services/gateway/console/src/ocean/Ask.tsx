import { useState } from 'preact/hooks'
import { shipped } from '../api/client'
import { Problem } from '../api/problem'
import { Choice, Choices, Input } from '../ui/controls'
import { about, month, MONTHS } from '../ui/figures'
import { ProblemNote } from '../ui/notes'
import example from './example.nc?url'
import { open, start } from './runs'

export interface Method {
  name: string
  description: string
  ensemble: boolean
  learned: boolean
}

export interface Methods {
  methods: Method[]
}

/** A quick method, for a first look. */
const FIRST = 'eof_oi'

/** What is observed, and how it is to be reconstructed. */
export function Ask({ methods, started }: { methods: Method[]; started: (id: number) => void }) {
  const [source, setSource] = useState<'example' | 'file' | 'field'>('example')
  const [file, setFile] = useState<File>()
  const [name, setName] = useState(FIRST)
  const [of, setOf] = useState('')
  const [members, setMembers] = useState('8')
  const [seed, setSeed] = useState('0')
  const [steps, setSteps] = useState('')
  const [wrong, setWrong] = useState('')
  const [problem, setProblem] = useState<Problem>()
  const method = methods.find((each) => each.name === name) ?? methods[0]!
  const submit = async (event: Event) => {
    event.preventDefault()
    setProblem(undefined)
    if (source !== 'example' && !file) return setWrong('Choose a file first.')
    setWrong('')
    if (source === 'field') return started(open(file!))
    try {
      reconstruct(source === 'file' ? file! : await shipped(example))
    } catch (thrown) {
      setProblem(Problem.from(thrown))
    }
  }
  const reconstruct = (sent: Blob) => {
    const form = new FormData()
    form.append('file', sent, source === 'file' ? file!.name : 'example.nc')
    const options = { method: method.name, month: of, members, seed, steps: method.learned ? steps : '' }
    for (const [option, value] of Object.entries(options)) if (value) form.append(option, value)
    const when = source === 'example' ? 'February, example' : of ? month(Number(of)) : file!.name
    started(start(`${method.name}, ${when}`, form))
  }
  return (
    <form class="card" onSubmit={submit} aria-label="Reconstruction">
      <div class="field">
        <span class="label">Observations</span>
        <Choices
          label="Observations"
          value={source}
          onChange={setSource}
          options={[
            { value: 'example', label: 'Example' },
            { value: 'file', label: 'File' },
            { value: 'field', label: 'Analysis' },
          ]}
        />
        {source === 'example' && <p class="hint">500 profiles of February, drawn from the World Ocean Atlas.</p>}
      </div>
      {source === 'field' ? (
        <>
          <Input
            label="NetCDF file with a field"
            type="file"
            accept=".nc,.nc4,.cdf,application/x-netcdf"
            wrong={wrong}
            onChange={(event) => setFile(event.currentTarget.files?.[0])}
            hint="On a regular grid of longitudes and latitudes, to look at or to compare with."
          />
          <button class="button main">Open</button>
        </>
      ) : (
        <>
          {source === 'file' && (
            <>
              <Input
                label="CF NetCDF file"
                type="file"
                accept=".nc,.nc4,.cdf,application/x-netcdf"
                wrong={wrong}
                onChange={(event) => setFile(event.currentTarget.files?.[0])}
                hint="Points or profiles with temperature, position, depth and time."
              />
              <Choice
                label="Month"
                value={of}
                onChange={setOf}
                options={[
                  { value: '', label: 'As the file tells' },
                  ...MONTHS.map((label, index) => ({ value: String(index + 1), label: label as string })),
                ]}
              />
            </>
          )}
          <Choice
            label="Method"
            value={method.name}
            onChange={setName}
            options={methods.map((each) => ({ value: each.name, label: each.name }))}
            hint={about(method.description)}
          />
          <div class="pair">
            <Input
              label="Members"
              type="number"
              min={1}
              max={64}
              required
              value={members}
              onInput={(e) => setMembers(e.currentTarget.value)}
            />
            <Input
              label="Seed"
              type="number"
              min={0}
              max={Number.MAX_SAFE_INTEGER}
              required
              value={seed}
              onInput={(e) => setSeed(e.currentTarget.value)}
            />
          </div>
          {method.learned && (
            <Input
              label="Steps"
              type="number"
              min={1}
              max={1000}
              value={steps}
              placeholder="the method’s own"
              onInput={(event) => setSteps(event.currentTarget.value)}
              hint="Of the sampler; more take longer."
            />
          )}
          <button class="button main">Reconstruct</button>
        </>
      )}
      {problem && <ProblemNote problem={problem} />}
    </form>
  )
}
