import { useMemo, useState } from 'preact/hooks'
import { download } from '../api/download'
import { Problem } from '../api/problem'
import { Legend } from '../colour/Legend'
import { fitted, type Table as Colours } from '../colour/scale'
import { FieldMap } from '../map/FieldMap'
import type { Cell } from '../map/grid'
import { Choice, Choices } from '../ui/controls'
import { Facts } from '../ui/facts'
import { bytes, count, duration, month, moment, place, quantity } from '../ui/figures'
import { Loading, Skeleton, useLoaded } from '../ui/loading'
import { ProblemNote } from '../ui/notes'
import { Table } from '../ui/table'
import { column, difference, level, levelName, readField, unlike, type Field } from './fields'
import { Profile } from './Profile'
import { again, type Answer, type Run } from './runs'

type Shown = 'mean' | 'std' | 'difference'
const TABLES: Record<Shown, Colours> = { mean: 'thermal', std: 'amp', difference: 'balance' }
const LABELS: Record<Shown, string> = { mean: 'Temperature', std: 'Uncertainty', difference: 'Difference' }
const CLIMATOLOGY = 'climatology'

/** An analysis: its map at a depth, the profile at a place, what it rests on, and its file. */
export function Result(props: { run: Run; others: readonly Run[]; choose: (id: number) => void }) {
  const { answer, artifact } = props.run
  const { id } = artifact!
  const fields = useLoaded(
    async (signal) =>
      answer
        ? Promise.all([readField(id, 'thetao', signal), readField(id, 'thetao_std', signal)])
        : ([await readField(id, undefined, signal), undefined] as const),
    [id],
  )
  return (
    <>
      <Loading of={fields} skeleton={<Skeleton height="34rem" />}>
        {([mean, std]) => <Explore {...props} mean={mean} std={std} />}
      </Loading>
      {answer && <Report answer={answer} />}
    </>
  )
}

function Explore({
  run,
  others,
  mean,
  std,
  choose,
}: Parameters<typeof Result>[0] & { mean: Field; std: Field | undefined }) {
  const [shown, show] = useState<Shown>('mean')
  const [depth, setDepth] = useState(0)
  const [chosen, pick] = useState<Cell>()
  const [baselineId, setBaseline] = useState<string>('')
  const baselineRun = others.find(({ id }) => String(id) === baselineId) ?? others[0]
  const baseline = useLoaded(
    async (signal) => baselineRun && readField(baselineRun.artifact!.id, baselineRun.answer && 'thetao', signal),
    [baselineRun?.id],
  )
  const base = baseline.state === 'there' ? baseline.value : undefined
  const apart = useMemo(() => (base ? unlike(mean, base) : ''), [mean, base])
  const less = useMemo(() => (base && !apart ? difference(mean, base) : undefined), [mean, base, apart])
  const field = shown === 'mean' ? mean : shown === 'std' ? std : less
  const values = useMemo(() => field && level(field, depth), [field, depth])
  const scale = useMemo(() => values && fitted(values, TABLES[shown]), [values, shown])
  const metres = levelName(mean, depth)
  const labels = { ...LABELS, mean: run.answer ? LABELS.mean : mean.variable }
  // What was computed here is of one month, which its own title names.
  const when = run.answer ? '' : timeName(mean.time)
  const title = [`${labels[shown]} at ${metres}`, when, run.title].filter(Boolean).join(', ')
  return (
    <section class="card" aria-label="Analysis">
      <div class="row apart">
        <h2>{title}</h2>
        <Choices
          label="What is shown"
          value={shown}
          onChange={show}
          options={(Object.keys(labels) as Shown[])
            .filter((value) => value !== 'std' || std)
            .map((value) => ({ value, label: labels[value] }))}
        />
      </div>
      {shown === 'difference' && (
        <Baseline run={run} others={others} chosen={baselineRun} choose={setBaseline} started={choose} />
      )}
      {field && values && scale ? (
        <>
          <FieldMap
            grid={field.grid}
            values={values}
            scale={scale}
            unit={field.unit}
            label={title}
            chosen={chosen}
            onChoose={pick}
          />
          <Legend scale={scale} unit={field.unit} />
          <div class="field">
            <label for="depth">Depth: {metres}</label>
            <input
              id="depth"
              type="range"
              min={0}
              max={mean.depth.length - 1}
              value={depth}
              aria-valuetext={metres}
              onInput={(event) => setDepth(Number(event.currentTarget.value))}
            />
          </div>
          {chosen ? (
            <AtPlace mean={mean} std={std} base={less && base} cell={chosen} baseline={baselineRun?.title} />
          ) : (
            <p class="hint">No place is chosen: click the map, or press an arrow key on it, for the profile there.</p>
          )}
        </>
      ) : (
        apart && <p class="hint">{apart}</p>
      )}
      {baseline.state === 'failed' && <ProblemNote problem={baseline.problem} again={baseline.again} />}
    </section>
  )
}

/** A time of a file, to the minute: `2020-02-15T12:00:00` as `2020-02-15 12:00`; days alone where it is midnight. */
function timeName(time = ''): string {
  return time.slice(0, 16).replace('T', ' ').replace(' 00:00', '')
}

/** What the difference is taken to: another reconstruction of this tab, or the climatology. */
function Baseline(props: {
  run: Run
  others: readonly Run[]
  chosen: Run | undefined
  choose: (id: string) => void
  started: (id: number) => void
}) {
  const { run, others, chosen } = props
  const climatology = others.some(({ answer }) => answer?.method === CLIMATOLOGY)
  const compute = () => {
    const title = run.title.replace(/^[^,]*/, CLIMATOLOGY)
    again(run, title, { method: CLIMATOLOGY })
    props.started(run.id)
  }
  return (
    <div class="row">
      {chosen ? (
        <Choice
          label="Less"
          value={String(chosen.id)}
          onChange={props.choose}
          options={others.map(({ id, title }) => ({ value: String(id), label: title }))}
        />
      ) : (
        <p class="hint">There is nothing to compare with yet.</p>
      )}
      {!climatology && run.answer && run.answer.method !== CLIMATOLOGY && (
        <button type="button" class="button small" onClick={compute}>
          Compute the climatology
        </button>
      )}
    </div>
  )
}

function AtPlace(props: {
  mean: Field
  std: Field | undefined
  base: Field | undefined
  cell: Cell
  baseline: string | undefined
}) {
  const { mean, std, base, cell } = props
  const { latitude, longitude } = mean.grid
  const where = place(latitude[cell.row]!, longitude[cell.column]!)
  const name = props.std ? LABELS.mean : mean.variable
  const spread = useMemo(() => std && column(std, cell.row, cell.column), [std, cell])
  const curves = useMemo(
    () => [
      { label: name, values: column(mean, cell.row, cell.column) },
      ...(base
        ? [{ label: props.baseline ?? 'baseline', values: column(base, cell.row, cell.column), dashed: true }]
        : []),
    ],
    [mean, base, cell],
  )
  if (curves[0]!.values.every(Number.isNaN))
    return <p class="hint">There is no water at {where}. Choose another place.</p>
  return (
    <div class="at-place">
      <div class="stack">
        <h3>Profile at {where}</h3>
        <p class="hint">
          Line and points: the field{spread && '; band: one standard deviation'}
          {base && `; dashed: ${props.baseline}`}.
        </p>
        <Profile
          depth={mean.depth}
          depthLabel={labelled(mean.depthName, mean.depthUnit)}
          curves={curves}
          std={spread}
          label={labelled(name, mean.unit)}
        />
      </div>
      <details>
        <summary>The profile as a table</summary>
        <Table label="The profile">
          <thead>
            <tr>
              <th scope="col" class="number">
                {capital(mean.depthName)}
              </th>
              <th scope="col" class="number">
                {name}
              </th>
              {spread && (
                <th scope="col" class="number">
                  Standard deviation
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {curves[0]!.values.map((value, index) => (
              <tr key={index}>
                <th scope="row" class="number">
                  {quantity(mean.depth[index]!, mean.depthUnit, 0)}
                </th>
                <td class="number">{quantity(value, mean.unit)}</td>
                {spread && <td class="number">{quantity(spread[index]!, mean.unit)}</td>}
              </tr>
            ))}
          </tbody>
        </Table>
      </details>
    </div>
  )
}

function capital(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1)
}

function labelled(name: string, unit: string): string {
  return unit ? `${capital(name)} (${unit})` : capital(name)
}

function Report({ answer }: { answer: Answer }) {
  const [problem, setProblem] = useState<Problem>()
  const { observations, artifact } = answer
  const get = (path: string, name: string) => () => {
    setProblem(undefined)
    download(path, name).catch((thrown) => setProblem(Problem.from(thrown)))
  }
  const reasons = Object.entries(observations.rejected_by_reason).filter(([, number]) => number > 0)
  return (
    <section class="card" aria-label="Report">
      <h2>What it rests on</h2>
      <Facts
        of={[
          ['Method', answer.method],
          ['Month', month(answer.month)],
          ['Observations used', `${count(observations.used)} of ${count(observations.received)}`],
          ['Merged duplicates', count(observations.merged)],
          ...reasons.map(([reason, number]) => [`Rejected: ${reason.replaceAll('_', ' ')}`, count(number)] as const),
          ['Computed in', duration(answer.seconds)],
          ['Steps', answer.steps ? String(answer.steps) : ''],
          ['Seed', String(answer.seed)],
          ['Kept until', artifact.expires ? moment(artifact.expires) : 'it is deleted'],
        ]}
      />
      <div class="row">
        <button type="button" class="button main" onClick={get(`/v1/artifacts/${artifact.id}/content`, artifact.name)}>
          Download NetCDF ({bytes(artifact.size)})
        </button>
        <button
          type="button"
          class="button"
          onClick={get(`/v1/artifacts/${artifact.id}/picture`, artifact.name.replace(/\.nc$/, '.png'))}
        >
          Download picture
        </button>
      </div>
      {problem && <ProblemNote problem={problem} />}
    </section>
  )
}
