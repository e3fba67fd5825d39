// One evaluation in the list: how far it has come, or what it is of.

import { useState } from 'preact/hooks'
import { api } from '../api/client'
import { Problem } from '../api/problem'
import { stateName, useOperation, type Operation } from '../api/work'
import { moment } from '../ui/figures'
import { Skeleton } from '../ui/loading'
import { ProblemNote, Progress } from '../ui/notes'
import type { Result } from './service'

interface Props {
  name: string
  listed?: Operation<Result> | undefined
  onOpen: (operation: string) => void
  /** Called once, when it ends while it is looked at. */
  onDone: () => void
}

export function Evaluation({ name, listed, onOpen, onDone }: Props) {
  const { operation, failure } = useOperation<Result>(name, listed, onDone)
  const [problem, setProblem] = useState<Problem>()
  if (failure) return <ProblemNote problem={Problem.from(failure)} />
  if (!operation) return <Skeleton lines={2} />
  const { metadata, response, error } = operation
  const report = response?.report
  const cancel = () => api.post(`/v1/${name}:cancel`).catch((thrown) => setProblem(Problem.from(thrown)))
  return (
    <li class="card">
      <div class="row apart">
        <div>
          <h3>
            {report
              ? `${report.model || 'Predictions'} on ${report.suite}, ${report.variant}`
              : stateName(metadata?.state)}
          </h3>
          {metadata?.created && <p class="hint">{moment(metadata.created)}</p>}
        </div>
        {report ? (
          <button type="button" class="button" onClick={() => onOpen(name)}>
            Look into it
          </button>
        ) : (
          !operation.done && (
            <button type="button" class="button danger" onClick={cancel}>
              Cancel
            </button>
          )
        )}
      </div>
      {!operation.done && (
        <Progress fraction={metadata?.progress?.fraction ?? 0} message={metadata?.progress?.message ?? ''} />
      )}
      {error && <p class="wrong">{error.message}</p>}
      {problem && <ProblemNote problem={problem} />}
    </li>
  )
}
