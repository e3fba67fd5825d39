/** What is said when there is nothing, or something went wrong: always with what to do next. */

import type { ComponentChildren } from 'preact'
import { mayPass, type Problem } from '../api/problem'

const ADVICE: Record<number, string> = {
  403: 'Ask whoever runs this installation to allow it, or for a key that may do this.',
  404: 'It may have expired or been deleted.',
  413: 'Send less, or a smaller file.',
  429: 'Wait a moment, then try again.',
  503: 'The service is busy or starting; try again in a moment.',
  504: 'Ask for less, or submit it as long work.',
}

/** A problem document: what failed, the fields that cannot be used, and what can be done; `again` where that may help. */
export function ProblemNote({ problem, again }: { problem: Problem; again?: () => void }) {
  return (
    <div class="notice bad" role="alert">
      <strong>{problem.title}</strong>
      {problem.violations.length ? (
        <ul>
          {problem.violations.map((violation) => (
            <li key={violation.field}>
              <code>{violation.field}</code>: received {violation.received}; accepted: {violation.accepted}
            </li>
          ))}
        </ul>
      ) : (
        <p>{problem.message}</p>
      )}
      {ADVICE[problem.status] && <p>{ADVICE[problem.status]}</p>}
      {problem.requestId && <p class="hint">Request {problem.requestId}</p>}
      {again && (mayPass(problem) || !problem.status) && (
        <button type="button" class="button small" onClick={again}>
          Try again
        </button>
      )}
    </div>
  )
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <h2>{title}</h2>
      {children}
    </div>
  )
}

export function PageHead({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <header class="page-head">
      <h1>{title}</h1>
      {children && <p>{children}</p>}
    </header>
  )
}

/** How far work has come, 0 to 1. */
export function Progress({ fraction, message }: { fraction: number; message: string }) {
  return (
    <div class="stack" style={{ gap: '0.375rem' }}>
      <progress value={fraction} max={1} aria-label="Progress" />
      <p class="hint figures" aria-live="polite">
        {Math.round(100 * fraction)} % {message && `· ${message}`}
      </p>
    </div>
  )
}
