import { useState } from 'preact/hooks'
import { api } from '../api/client'
import { Loading, Skeleton, useLoaded } from '../ui/loading'
import { Empty, PageHead, ProblemNote, Progress } from '../ui/notes'
import { Ask, type Methods } from './Ask'
import './ocean.css'
import { Result } from './Result'
import { forget, useRuns, type Run } from './runs'

export function Page() {
  const methods = useLoaded((signal) => api.get<Methods>('/v1/ocean/methods', { signal }), [])
  const runs = useRuns()
  const [chosen, choose] = useState<number>()
  const run = runs.find(({ id }) => id === chosen) ?? runs[0]
  return (
    <>
      <PageHead title="Ocean">
        Temperature of the whole ocean at all depths, reconstructed from sparse observations of one month.
      </PageHead>
      <div class="ocean">
        <div class="stack">
          <Loading of={methods} skeleton={<Skeleton height="26rem" />}>
            {(value) => <Ask methods={value.methods} started={choose} />}
          </Loading>
          {runs.length > 0 && <Runs runs={runs} shown={run!} choose={choose} />}
        </div>
        <div class="stack">
          {run ? (
            <Shown key={run.id} run={run} runs={runs} choose={choose} />
          ) : (
            <Empty title="Nothing is reconstructed yet">
              <p>Choose the example or a file of your own, then press “Reconstruct”.</p>
            </Empty>
          )}
        </div>
      </div>
    </>
  )
}

function Runs({ runs, shown, choose }: { runs: readonly Run[]; shown: Run; choose: (id: number) => void }) {
  return (
    <section class="card" aria-label="Reconstructions">
      <h2>Reconstructions</h2>
      <ul class="runs">
        {runs.map((run) => (
          <li key={run.id} class="row apart">
            <button
              type="button"
              class="button plain small"
              aria-current={run === shown ? 'true' : undefined}
              onClick={() => choose(run.id)}
            >
              {run.title}
              {run.state === 'failed' && ' (failed)'}
            </button>
            <button type="button" class="button plain small" onClick={() => forget(run)}>
              {run.state === 'running' ? 'Cancel' : 'Remove'}
              <span class="unseen"> {run.title}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}

function Shown({ run, runs, choose }: { run: Run; runs: readonly Run[]; choose: (id: number) => void }) {
  if (run.state === 'running') {
    const cancel = () => {
      forget(run)
      document.querySelector('main')!.focus() // the button with the focus goes
    }
    return (
      <section class="card" aria-label="In progress">
        <h2>{run.title}</h2>
        <Progress fraction={run.fraction} message={run.message} />
        <div>
          <button type="button" class="button" onClick={cancel}>
            Cancel
          </button>
        </div>
      </section>
    )
  }
  if (run.state === 'failed') return <ProblemNote problem={run.problem!} />
  return <Result run={run} others={runs.filter((other) => other !== run && other.state === 'done')} choose={choose} />
}
