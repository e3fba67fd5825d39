// Benchmarks: who stands where and how sure that is, evaluations, their items, and two of them compared.

import { useEffect, useRef, useState } from 'preact/hooks'
import '../look/look.css'
import { Choice } from '../ui/controls'
import { Loading, Skeleton, useLoaded } from '../ui/loading'
import { Empty, PageHead } from '../ui/notes'
import './benchmarks.css'
import { Compare } from './Compare'
import { Evaluation } from './Evaluation'
import { Leaderboard } from './Leaderboard'
import { NewEvaluation } from './NewEvaluation'
import { ReportView } from './ReportView'
import { boards, evaluations, resultOf, suites, type Suite } from './service'

export function Page() {
  const known = useLoaded(suites, [])
  return (
    <div class="stack">
      <PageHead title="Benchmarks">Questions on Earth science, scored as the benchmarks’ authors score them.</PageHead>
      <Loading of={known} skeleton={<Skeleton height="18rem" />}>{(list) => <Board suites={list} />}</Loading>
    </div>
  )
}

function Board({ suites }: { suites: Suite[] }) {
  const [suite, setSuite] = useState(suites[0]!.name)
  const chosen = suites.find((each) => each.name === suite)!
  const [variant, setVariant] = useState('official')
  const ranked = useLoaded(() => boards(suite, variant), [suite, variant])
  const list = useLoaded(evaluations, [])
  const [begun, setBegun] = useState<string[]>([])
  const [opened, setOpened] = useState<Opening>()
  const open = (operation: string) => setOpened({ operation })
  const again = () => {
    for (const each of [ranked, list]) if (each.state === 'there') each.again()
  }
  return (
    <>
      <div class="halves">
        <Choice
          label="Benchmark"
          value={suite}
          options={suites.map(({ name }) => ({ value: name, label: name }))}
          onChange={(next) => {
            setSuite(next)
            setVariant('official')
          }}
        />
        <Choice
          label="Scorer"
          value={variant}
          options={chosen.variants.map(({ name }) => ({ value: name, label: name }))}
          onChange={setVariant}
        />
      </div>
      <p class="hint">
        {chosen.description} {chosen.variants.find(({ name }) => name === variant)?.description}
      </p>
      <Loading of={ranked}>{(found) => <Leaderboard boards={found} onOpen={open} />}</Loading>
      {opened && <Opened opening={opened} onClose={() => setOpened(undefined)} />}
      <NewEvaluation suite={suite} variant={variant} onBegun={(operation) => setBegun([operation, ...begun])} />
      <section class="stack" aria-labelledby="evaluations">
        <h2 id="evaluations">Evaluations</h2>
        <Loading of={list}>
          {(operations) => {
            const listed = new Map(operations.map((operation) => [operation.name, operation]))
            const names = [...begun.filter((name) => !listed.has(name)), ...listed.keys()]
            const done = operations.filter((operation) => operation.response)
            if (!names.length) return <Empty title="No evaluations yet">Begin one above.</Empty>
            return (
              <>
                <ul class="evaluations">
                  {names.map((name) => (
                    <Evaluation key={name} name={name} listed={listed.get(name)} onOpen={open} onDone={again} />
                  ))}
                </ul>
                {done.length > 1 && <Compare key={done[0]!.name} evaluations={done} />}
              </>
            )
          }}
        </Loading>
      </section>
    </>
  )
}

/** An evaluation that a reader wants to see; another of the same is another wish. */
interface Opening {
  operation: string
}

/** A report, which the reader is taken to: what opens it may stand far below. */
function Opened({ opening, onClose }: { opening: Opening; onClose: () => void }) {
  const place = useRef<HTMLDivElement>(null)
  const result = useLoaded(() => resultOf(opening.operation), [opening.operation])
  useEffect(() => {
    place.current?.focus({ preventScroll: true })
    place.current?.scrollIntoView()
  }, [opening])
  return (
    <div class="opened" ref={place} tabIndex={-1}>
      <Loading of={result} skeleton={<Skeleton height="100vh" />}>
        {(found) => <ReportView result={found} onClose={onClose} />}
      </Loading>
    </div>
  )
}
