// Assimilation: twin experiments, and comparisons of methods on cases that none was fitted to.

import { useState } from 'preact/hooks'
import '../look/look.css'
import { Loading, Skeleton, useLoaded } from '../ui/loading'
import { Empty, PageHead } from '../ui/notes'
import './assimilation.css'
import { Experiment } from './Experiment'
import { NewComparison } from './NewComparison'
import { NewTwin } from './NewTwin'
import { experiments, known } from './service'

export function Page() {
  const offered = useLoaded(known, [])
  const list = useLoaded(experiments, [])
  const [begun, setBegun] = useState<string[]>([])
  const add = (operation: string) => setBegun((before) => [operation, ...before])
  return (
    <div class="stack">
      <PageHead title="Assimilation">
        Forecasts meet observations: how close each method comes to a truth that is known, and whether it knows how
        close.
      </PageHead>
      <Loading of={offered} skeleton={<Skeleton height="18rem" />}>
        {({ methods, systems }) => (
          <div class="halves">
            <NewTwin methods={methods} systems={systems} onBegun={add} />
            <NewComparison onBegun={add} />
          </div>
        )}
      </Loading>
      <section class="stack" aria-labelledby="experiments">
        <h2 id="experiments">Experiments</h2>
        <Loading of={list} skeleton={<Skeleton height="8rem" />}>
          {(operations) => {
            const listed = new Map(operations.map((operation) => [operation.name, operation]))
            const names = [...begun.filter((name) => !listed.has(name)), ...listed.keys()]
            if (!names.length)
              return <Empty title="No experiments yet">Run one above: a thousand analyses take seconds.</Empty>
            return names.map((name) => <Experiment key={name} name={name} listed={listed.get(name)} />)
          }}
        </Loading>
      </section>
    </div>
  )
}
