// What is said of an answer: that it is good, or what to do otherwise from now on.

import { useState } from 'preact/hooks'
import { Problem } from '../api/problem'
import { Input } from '../ui/controls'
import { ProblemNote } from '../ui/notes'
import { toldOf } from './service'

export function Feedback({ run, onLearned }: { run: string; onLearned: () => void }) {
  const [text, setText] = useState('')
  const [understood, setUnderstood] = useState('')
  const [problem, setProblem] = useState<Problem>()

  async function say(what: string) {
    setProblem(undefined)
    try {
      setUnderstood(await toldOf(run, what))
      setText('')
      onLearned()
    } catch (thrown) {
      setProblem(Problem.from(thrown))
    }
  }

  function submit(event: Event) {
    event.preventDefault()
    if (text.trim()) void say(text.trim())
  }

  return (
    <form class="card" onSubmit={submit} aria-label="Feedback">
      <Input
        label="What should be otherwise?"
        hint="“Use the years 1991–2020, please”, or “remember this as …”. It is heeded in later questions on the same topic."
        value={text}
        maxLength={4000}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <div class="row">
        <button type="submit" class="button" disabled={!text.trim()}>
          Correct
        </button>
        <button type="button" class="button" onClick={() => say('good')}>
          This is good
        </button>
        <span class="small" role="status">
          {understood}
        </span>
      </div>
      {problem && <ProblemNote problem={problem} />}
    </form>
  )
}
