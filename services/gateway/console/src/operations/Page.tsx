import { useEffect, useState } from 'preact/hooks'
import { useAccount } from '../api/account'
import type { Operation } from '../api/work'
import { Choice } from '../ui/controls'
import { moment } from '../ui/figures'
import { Loading, Skeleton, useLoaded } from '../ui/loading'
import { Empty, PageHead, ProblemNote } from '../ui/notes'
import { Detail, StateTag } from './Detail'
import { addressOf, going, LATEST, list, nameIn, SERVICES } from './operations'
import './operations.css'

const ALL = 'all'
/** How long after a list the next one is asked for, while something in it goes on or is missing. */
const SECONDS = 5

export function Page() {
  const { services } = useAccount()
  const here = SERVICES.filter((service) => services.includes(service))
  const [only, setOnly] = useState<string>(ALL)
  const [chosen, choose] = useState(nameIn(location.hash))
  const loaded = useLoaded((signal) => list(only === ALL ? here : [only], signal), [only])
  useEffect(() => {
    const moved = () => choose(nameIn(location.hash))
    addEventListener('hashchange', moved)
    return () => removeEventListener('hashchange', moved)
  }, [])
  useEffect(() => {
    if (loaded.state !== 'there') return
    const { operations, missing } = loaded.value
    if (!missing.length && !operations.some(({ metadata }) => going(metadata))) return
    const timer = setTimeout(loaded.again, 1000 * SECONDS)
    return () => clearTimeout(timer)
  }, [loaded])
  return (
    <>
      <PageHead title="Operations">
        Long work of all services: how far it is, what it says, and how to stop it.
      </PageHead>
      <div class="operations">
        <section class="card" aria-label="List of operations">
          <div class="row apart">
            <Choice
              label="Service"
              value={only}
              onChange={setOnly}
              options={[{ value: ALL, label: 'All services' }, ...here.map((value) => ({ value, label: value }))]}
            />
            <button
              type="button"
              class="button small"
              disabled={loaded.state === 'waiting'}
              onClick={loaded.again}
            >
              Refresh
            </button>
          </div>
          <Loading of={loaded} skeleton={<Skeleton lines={8} />}>
            {({ operations, missing }) => (
              <>
                {missing.map(({ service, problem }) => (
                  <div key={service}>
                    <p class="small">Long work of {service} is missing here; it is asked for again.</p>
                    <ProblemNote problem={problem} />
                  </div>
                ))}
                {operations.length > 0 && <List operations={operations} chosen={chosen} />}
                {!operations.length && !missing.length && (
                  <Empty title="No long work yet">
                    <p>Evaluations, fits, cycles and whatever else takes long appear here once they are submitted.</p>
                  </Empty>
                )}
              </>
            )}
          </Loading>
        </section>
        {chosen ? (
          <Detail key={chosen} name={chosen} changed={loaded.again} />
        ) : (
          loaded.state === 'there' && loaded.value.operations.length > 0 && <p class="muted">Choose one to follow it.</p>
        )}
      </div>
    </>
  )
}

function List({ operations, chosen }: { operations: Operation[]; chosen: string }) {
  return (
    <>
      <ul class="operation-list" aria-label="Operations">
        {operations.map(({ name, metadata }) => (
          <li key={name}>
            <a href={addressOf(name)} aria-current={name === chosen ? 'true' : undefined}>
              <span class="row apart">
                <strong>{metadata.kind}</strong>
                <StateTag state={metadata.state} />
              </span>
              <span class="muted small">{moment(metadata.created)}</span>
            </a>
          </li>
        ))}
      </ul>
      <p class="hint">The latest {LATEST} of each service.</p>
    </>
  )
}
