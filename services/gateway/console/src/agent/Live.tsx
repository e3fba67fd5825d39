// Work on a plan as it goes on: steps that have ended, what scripts print, figures.

import { Problem } from '../api/problem'
import { duration } from '../ui/figures'
import { ProblemNote, Progress } from '../ui/notes'
import { Picture } from '../ui/Picture'
import { useProgress, type Known } from './following'
import type { Run } from './service'

export function Steps({ known: { steps, log, figures } }: { known: Known }) {
  return (
    <>
      {steps.length > 0 && (
        <ol class="steps" aria-label="Steps">
          {steps.map((step) => (
            <li key={step.name}>
              <strong>{step.name}</strong> {step.outcome} <span class="hint">{duration(step.seconds)}</span>
            </li>
          ))}
        </ol>
      )}
      {log.length > 0 && (
        <details>
          <summary>What scripts printed</summary>
          <pre class="log" tabIndex={0}>
            {log.join('\n')}
          </pre>
        </details>
      )}
      {figures.map((figure) => (
        <Picture key={figure} path={`/v1/artifacts/${figure}/content`} alt="A figure of the analysis" />
      ))}
    </>
  )
}

/** A run that was chosen: its news are looked up. */
export function Working({ operation, run, tell }: { operation: string; run: string; tell: (run: Run) => void }) {
  const { fraction, message, failure, error } = useProgress(operation, run, tell)
  if (failure) return <ProblemNote problem={Problem.from(failure)} />
  if (error) return <p class="wrong">{error.message}</p>
  return <Progress fraction={fraction} message={message} />
}
