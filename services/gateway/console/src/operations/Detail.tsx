import { useEffect, useState } from 'preact/hooks'
import { api } from '../api/client'
import { download } from '../api/download'
import { isAbort, Problem } from '../api/problem'
import { Facts } from '../ui/facts'
import { duration, moment } from '../ui/figures'
import { Skeleton } from '../ui/loading'
import { ProblemNote, Progress } from '../ui/notes'
import { follow, stateName, type Metadata, type Operation, type State } from '../api/work'
import { going } from './operations'

interface Line {
  at: Date
  text: string
}

/** An operation as it goes on, until it is done. */
export function Detail({ name, changed }: { name: string; changed: () => void }) {
  const [operation, setOperation] = useState<Operation>()
  const [lines, setLines] = useState<Line[]>([])
  const [problem, setProblem] = useState<Problem>()
  const [turn, again] = useState(0)
  useEffect(() => {
    const asking = new AbortController()
    setProblem(undefined)
    follow<Record<string, unknown>>(name, asking.signal, (news) => {
      setOperation(news)
      setLines((before) => logged(before, news.metadata))
      if (news.done) changed()
    }).catch((thrown) => isAbort(thrown) || setProblem(Problem.from(thrown)))
    return () => asking.abort()
  }, [name, turn])
  const cancel = () => api.post(`/v1/${name}:cancel`).then(changed, (thrown) => setProblem(Problem.from(thrown)))
  if (problem && !operation) return <ProblemNote problem={problem} again={() => again(turn + 1)} />
  if (!operation) return <Skeleton lines={8} />
  const { metadata, error, response } = operation
  return (
    <section class="card" aria-label="Operation">
      <div class="row apart">
        <h2>{metadata.kind}</h2>
        <StateTag state={metadata.state} />
      </div>
      <code>{name}</code>
      {going(metadata) && (
        <>
          <Progress fraction={metadata.progress?.fraction ?? 0} message={metadata.progress?.message ?? ''} />
          <div>
            <button type="button" class="button danger" onClick={cancel}>
              Cancel
            </button>
          </div>
        </>
      )}
      <Times metadata={metadata} />
      {problem && <ProblemNote problem={problem} again={() => again(turn + 1)} />}
      {error && metadata.state !== 'STATE_CANCELLED' && (
        <div class="notice bad" role="alert">
          <strong>It could not be done</strong>
          <p>{error.message}</p>
        </div>
      )}
      {response && <Answer response={response} />}
      <h3>Log</h3>
      <ol class="log" tabIndex={0} aria-label="Log">
        {lines.map(({ at, text }, index) => (
          <li key={index}>
            <span class="muted">{at.toLocaleTimeString('en-GB')}</span> {text}
          </li>
        ))}
      </ol>
    </section>
  )
}

function logged(before: Line[], { state: now, progress, attempt }: Metadata): Line[] {
  const percent = progress?.fraction ? `${Math.round(100 * progress.fraction)} %` : ''
  const begun = attempt && attempt > 1 ? `attempt ${attempt}` : ''
  const said = [stateName(now), begun, percent, progress?.message].filter(Boolean)
  const text = said.join(' · ')
  return before.at(-1)?.text === text ? before : [...before, { at: new Date(), text }]
}

function Times({ metadata }: { metadata: Metadata }) {
  const { created, started, finished, attempt } = metadata
  const seconds = (Date.parse(finished ?? created) - Date.parse(started ?? created)) / 1000
  return (
    <Facts
      of={[
        ['Submitted', moment(created)],
        ['Started', started && moment(started)],
        ['Finished', finished && moment(finished)],
        ['Took', finished && duration(Math.max(0, seconds))],
        ['Attempt', attempt && String(attempt)],
      ]}
    />
  )
}

const SHA256 = /^[0-9a-f]{64}$/

/** What it answered; each field that names a stored file can be saved. */
function Answer({ response }: { response: Record<string, unknown> }) {
  const [problem, setProblem] = useState<Problem>()
  const files = Object.entries(response).filter(([, value]) => typeof value === 'string' && SHA256.test(value))
  const save = async (artifact: string) => {
    try {
      const { name } = await api.get<{ name: string }>(`/v1/artifacts/${artifact}`)
      await download(`/v1/artifacts/${artifact}/content`, name)
    } catch (thrown) {
      setProblem(Problem.from(thrown))
    }
  }
  return (
    <>
      <div class="row">
        {files.map(([field, artifact]) => (
          <button key={field} type="button" class="button" onClick={() => save(String(artifact))}>
            Download {field.replaceAll('_', ' ')}
          </button>
        ))}
      </div>
      {problem && <ProblemNote problem={problem} />}
      <details>
        <summary>The answer</summary>
        <pre class="log" tabIndex={0}>
          {JSON.stringify(response, null, 2)}
        </pre>
      </details>
    </>
  )
}

const KINDS: Record<State, string> = {
  STATE_QUEUED: '',
  STATE_RUNNING: 'live',
  STATE_SUCCEEDED: 'good',
  STATE_FAILED: 'bad',
  STATE_DEAD: 'bad',
  STATE_CANCELLED: '',
}

export function StateTag({ state }: { state: State }) {
  return <span class={`tag ${KINDS[state]}`}>{stateName(state)}</span>
}
