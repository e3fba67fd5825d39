import { useEffect, useState } from 'preact/hooks'
import { useAccount } from '../api/account'
import type { Operation } from '../api/work'
import { Choice } from '../ui/controls'
import { moment } from '../ui/figures'
import { Loading, Skeleton, useLoaded } from '../ui/loading'
import { Empty, PageHead } from '../ui/notes'
import { Detail, StateTag } from './Detail'
import { going, list, SERVICES, state } from './operations'
import './operations.css'

const ALL = 'all'
/** How often the list is asked for again while something in it goes on. */
const SECONDS = 5

export function Page() {
  const { services } = useAccount()
  const here = SERVICES.filter((service) => services.includes(service))
  const [only, setOnly] = useState<string>(ALL)
  const [chosen, choose] = useState(location.hash.split('/').slice(2).join('/'))
  const loaded = useLoaded((signal) => list(only === ALL ? here : [only], signal), [only])
  const active = loaded.state === 'there' && loaded.value.some(({ metadata }) => going(metadata))
  useEffect(() => {
    if (!active || loaded.state !== 'there') return
    const timer = setInterval(loaded.again, 1000 * SECONDS)
    return () => clearInterval(timer)
  }, [active])
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
              disabled={loaded.state !== 'there'}
              onClick={() => loaded.state === 'there' && loaded.again()}
            >
              Refresh
            </button>
          </div>
          <Loading of={loaded} skeleton={<Skeleton lines={8} />}>
            {(operations) =>
              operations.length ? (
                <List operations={operations} chosen={chosen} choose={choose} />
              ) : (
                <Empty title="No long work yet">
                  <p>Evaluations, fits, cycles and whatever else takes long appear here once they are submitted.</p>
                </Empty>
              )
            }
          </Loading>
        </section>
        {chosen ? (
          <Detail key={chosen} name={chosen} changed={() => loaded.state === 'there' && loaded.again()} />
        ) : (
          loaded.state === 'there' && loaded.value.length > 0 && <p class="muted">Choose one to follow it.</p>
        )}
      </div>
    </>
  )
}

function List(props: { operations: Operation[]; chosen: string; choose: (name: string) => void }) {
  return (
    <ul class="operation-list">
      {props.operations.map(({ name, metadata }) => (
        <li key={name}>
          <button
            type="button"
            aria-current={name === props.chosen ? 'true' : undefined}
            onClick={() => props.choose(name)}
          >
            <span class="row apart">
              <strong>{metadata.kind}</strong>
              <StateTag state={state(metadata)} />
            </span>
            <span class="muted small">{moment(metadata.created)}</span>
          </button>
        </li>
      ))}
    </ul>
  )
}
