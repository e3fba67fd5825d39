// One experiment: how far it has come, and what came of it.

import { useState } from 'preact/hooks'
import { api } from '../api/client'
import { save } from '../api/download'
import { Problem } from '../api/problem'
import { stateName, useOperation, type Operation } from '../api/work'
import { moment } from '../ui/figures'
import { Skeleton } from '../ui/loading'
import { ProblemNote, Progress } from '../ui/notes'
import { Comparison } from './Comparison'
import { isComparison, type Report } from './service'
import { Twin } from './Twin'

export function Experiment({ name, listed }: { name: string; listed?: Operation<Report> | undefined }) {
  const { operation, failure } = useOperation<Report>(name, listed)
  const [problem, setProblem] = useState<Problem>()
  if (failure) return <ProblemNote problem={Problem.from(failure)} />
  if (!operation) return <Skeleton height="8rem" />
  const { metadata, response, error, done } = operation
  return (
    <article class="card">
      <div class="row apart">
        <div>
          <h3>{response ? titleOf(response) : stateName(metadata?.state)}</h3>
          {metadata?.created && <p class="hint">{moment(metadata.created)}</p>}
        </div>
        {response && (
          <button
            type="button"
            class="button small"
            onClick={() => save(new Blob([JSON.stringify(response, null, 2)]), 'experiment.json')}
          >
            Download JSON
          </button>
        )}
        {!done && (
          <button
            type="button"
            class="button danger"
            onClick={() => api.post(`/v1/${name}:cancel`).catch((thrown) => setProblem(Problem.from(thrown)))}
          >
            Cancel
          </button>
        )}
      </div>
      {!done && <Progress fraction={metadata?.progress?.fraction ?? 0} message={metadata?.progress?.message ?? ''} />}
      {error && <p class="wrong">{error.message}</p>}
      {problem && <ProblemNote problem={problem} />}
      {response && (isComparison(response) ? <Comparison report={response} /> : <Twin report={response} />)}
    </article>
  )
}

function titleOf(report: Report): string {
  if (isComparison(report)) {
    const { system, cases, observed } = report.spec
    return `Methods on ${system}, ${cases} cases, ${Number((100 * observed).toPrecision(3))} % observed`
  }
  const { method, system, cycles } = report.spec
  return `${method} on ${system}, ${cycles} analyses`
}
