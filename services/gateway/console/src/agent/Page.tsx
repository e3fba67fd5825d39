// The agent: a question in plain language, plans to choose from, work to follow, an answer, and what it learns.

import { useRef, useState } from 'preact/hooks'
import { requestId } from '../api/work'
import { moment } from '../ui/figures'
import { Loading, useLoaded } from '../ui/loading'
import { Empty, PageHead, ProblemNote } from '../ui/notes'
import '../look/look.css'
import './agent.css'
import { AnswerView } from './AnswerView'
import { AskForm } from './AskForm'
import { Feedback } from './Feedback'
import { ofRun, useQuestion } from './following'
import { Lessons } from './Lessons'
import { Steps, Working } from './Live'
import { Plans } from './Plans'
import { dataSets, lessons, runs, type Answer, type Question } from './service'

const ENDS: Record<Answer['status'], string> = {
  STATUS_ANSWERED: 'answered',
  STATUS_CLARIFY: 'asked back',
  STATUS_ABSTAINED: 'not answered',
  STATUS_FAILED: 'failed',
}

export function Page() {
  const [session, setSession] = useState(() => `console-${requestId()}`)
  const [question, setQuestion] = useState('')
  const { known, problem, streamed, ask, choose, open, update } = useQuestion()
  const earlier = useLoaded(runs, [known?.answer?.run])
  const taught = useLoaded(lessons, [])
  const data = useLoaded(dataSets, [])
  const run = known?.proposal?.run ?? ''
  const undecided = known?.proposal && !known.operation && !known.answer
  const working = known?.operation && !known.answer
  const last = useRef<Question | undefined>(undefined)

  function begin(asked: Question) {
    last.current = asked
    void ask(asked)
  }

  /** An answer to what the agent asked back, about the same files. */
  function reply(option: string) {
    setQuestion(option)
    if (last.current) begin({ ...last.current, question: option })
  }

  /** Shows an earlier question; what is asked next goes on from there. */
  async function reopen(name: string) {
    last.current = undefined // its files are not known here
    const run = await open(name)
    if (run?.session) setSession(run.session)
  }

  return (
    <div class="stack">
      <PageHead title="Agent">
        Asks back where it must, shows its plan before it computes, and says what it assumed.
      </PageHead>
      <AskForm
        question={question}
        onQuestion={setQuestion}
        session={session}
        busy={streamed}
        onAsk={begin}
      />
      {problem && <ProblemNote problem={problem} />}
      {known && (
        <section class="stack" aria-labelledby="asked">
          <div>
            <h2 id="asked">{known.question}</h2>
            <p class="small" role="status">
              {known.doing && `${known.doing}…`}
            </p>
          </div>
          {undecided && (
            <Plans plans={known.proposal!.plans} onChoose={streamed ? undefined : (plan) => void choose(plan)} />
          )}
          {working && !streamed && (
            <Working operation={known.operation} run={run} tell={(found) => update({ ...known, ...ofRun(found) })} />
          )}
          <Steps known={known} />
          {known.answer && (
            <AnswerView answer={known.answer} plans={known.proposal?.plans ?? []} onOption={reply} />
          )}
          {known.answer?.status === 'STATUS_ANSWERED' && (
            <Feedback key={run} run={run} onLearned={taught.again} />
          )}
        </section>
      )}
      <div class="halves">
        <section class="stack" aria-labelledby="earlier">
          <h2 id="earlier">Earlier questions</h2>
          <Loading of={earlier}>
            {(list) =>
              list.length ? (
                <ul class="listed">
                  {list.map((each) => (
                    <li key={each.name}>
                      <button type="button" class="button plain" onClick={() => void reopen(each.name)}>
                        {each.question}
                      </button>
                      <span class="hint">
                        {moment(each.created)}
                        {each.answer && `, ${ENDS[each.answer.status]}`}
                      </span>
                    </li>
                  ))}
                </ul>
              ) : (
                <Empty title="No questions yet">Ask one above.</Empty>
              )
            }
          </Loading>
        </section>
        <section class="stack" aria-labelledby="taught">
          <h2 id="taught">What you taught</h2>
          <Loading of={taught}>
            {(list) => <Lessons lessons={list} again={taught.again} />}
          </Loading>
          <details>
            <summary>Data of this installation</summary>
            <Loading of={data}>
              {(list) =>
                list.length ? (
                  <ul class="listed small">
                    {list.map((set) => (
                      <li key={set.name}>
                        <code>{set.name}</code> {set.variable}
                        {set.units && `, ${set.units}`}
                        {set.period && `, ${set.period}`}
                      </li>
                    ))}
                  </ul>
                ) : (
                  <p class="hint">None. Send files with your question.</p>
                )
              }
            </Loading>
          </details>
        </section>
      </div>
    </div>
  )
}
