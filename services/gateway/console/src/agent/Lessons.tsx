// What was taught, and can be taken back.

import { useState } from 'preact/hooks'
import { Problem } from '../api/problem'
import { ProblemNote } from '../ui/notes'
import { setLesson, type Lesson } from './service'

export function Lessons({ lessons, again }: { lessons: Lesson[]; again: () => void }) {
  const [problem, setProblem] = useState<Problem>()
  if (!lessons.length) return <p class="hint">Nothing yet. What you correct is kept here, and can be taken back.</p>

  async function set(lesson: Lesson) {
    try {
      await setLesson(lesson.id, !lesson.active)
      again()
    } catch (thrown) {
      setProblem(Problem.from(thrown))
    }
  }

  return (
    <>
      <ul class="listed">
        {lessons.map((lesson) => (
          <li key={lesson.id} class="row apart">
            <span class={lesson.active ? '' : 'muted'}>
              {lesson.text} <span class="hint">{lesson.topic}</span>
            </span>
            <button type="button" class="button small" onClick={() => set(lesson)}>
              {lesson.active ? 'Take back' : 'Use again'}
            </button>
          </li>
        ))}
      </ul>
      {problem && <ProblemNote problem={problem} />}
    </>
  )
}
