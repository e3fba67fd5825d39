// A question from when it is asked to its answer: what is known of it so far.

import { useEffect, useRef, useState } from 'preact/hooks'
import { isAbort, Problem } from '../api/problem'
import { useOperation } from '../api/work'
import {
  asked,
  chosen,
  runNamed,
  type Answer,
  type News,
  type Proposal,
  type Question,
  type Run,
  type Step,
} from './service'

export interface Known {
  question: string
  /** What is being done now. */
  doing: string
  proposal?: Proposal
  operation: string
  steps: Step[]
  log: string[]
  figures: string[]
  answer?: Answer
}

/** What is known after some news. */
export function after(known: Known, news: News): Known {
  if (news.doing !== undefined) return { ...known, doing: news.doing }
  if (news.proposal) {
    const { answer } = news.proposal
    return { ...known, doing: '', proposal: news.proposal, ...(answer ? { answer } : {}) }
  }
  if (news.operation !== undefined) return { ...known, operation: news.operation }
  if (news.step) return { ...known, steps: [...known.steps, news.step] }
  if (news.log !== undefined) return { ...known, log: [...known.log, news.log] }
  if (news.figure !== undefined) return { ...known, figures: [...known.figures, news.figure] }
  if (news.answer) {
    const own = new Set(Object.values(news.answer.files))
    const figures = known.figures.filter((figure) => !own.has(figure)) // the answer shows its own
    return { ...known, doing: '', figures, answer: news.answer }
  }
  return known
}

export function ofRun(run: Run): Known {
  const { question, proposal, operation, steps, answer = proposal?.answer } = run
  const known = { question, doing: '', operation, steps, log: [], figures: [] }
  return { ...known, ...(proposal ? { proposal } : {}), ...(answer ? { answer } : {}) }
}

/** The question that is followed, and what can be done with it. */
export function useQuestion() {
  const [known, setKnown] = useState<Known>()
  const [problem, setProblem] = useState<Problem>()
  const [streamed, setStreamed] = useState(false)
  const asking = useRef<AbortController | undefined>(undefined)
  useEffect(() => () => asking.current?.abort(), [])

  const failed = (thrown: unknown) => isAbort(thrown) || setProblem(Problem.from(thrown))

  async function ask(question: Question) {
    asking.current?.abort()
    const { signal } = (asking.current = new AbortController())
    setProblem(undefined)
    setStreamed(true)
    setKnown({ question: question.question, doing: 'Asking', operation: '', steps: [], log: [], figures: [] })
    try {
      for await (const { data } of asked(question, signal)) setKnown((before) => before && after(before, data))
    } catch (thrown) {
      failed(thrown)
    } finally {
      if (!signal.aborted) setStreamed(false)
    }
  }

  async function choose(plan: number) {
    if (!known?.proposal) return
    setProblem(undefined)
    try {
      setKnown({ ...known, operation: await chosen(known.proposal.run, plan), steps: [] })
    } catch (thrown) {
      failed(thrown)
    }
  }

  /** Answers the run that is followed from now. */
  async function open(name: string): Promise<Run | undefined> {
    asking.current?.abort()
    setProblem(undefined)
    setStreamed(false)
    try {
      const run = await runNamed(name)
      setKnown(ofRun(run))
      return run
    } catch (thrown) {
      failed(thrown)
      return undefined
    }
  }

  return { known, problem, streamed, ask, choose, open, update: setKnown }
}

/** Progress of a run whose news are not streamed; `tell` hears how it stands when that has changed. */
export function useProgress(operation: string, run: string, tell: (run: Run) => void) {
  const { operation: work, failure } = useOperation(operation)
  const message = work?.metadata?.progress?.message
  useEffect(() => {
    let gone = false
    if (work)
      void runNamed(run).then(
        (found) => gone || tell(found),
        () => undefined,
      )
    return () => {
      gone = true
    }
  }, [message, work?.done])
  return {
    fraction: work?.metadata?.progress?.fraction ?? 0,
    message: message ?? 'Waiting',
    failure,
    error: work?.error,
  }
}
