// The question, and the files that it is about.

import { useState } from 'preact/hooks'
import { Problem } from '../api/problem'
import { upload } from '../api/upload'
import { Input } from '../ui/controls'
import { ProblemNote, Progress } from '../ui/notes'
import type { Question } from './service'

interface Props {
  question: string
  onQuestion: (question: string) => void
  session: string
  busy: boolean
  onAsk: (question: Question) => void
}

export function AskForm({ question, onQuestion, session, busy, onAsk }: Props) {
  const [files, setFiles] = useState<Record<string, string>>({})
  const [sent, setSent] = useState<{ name: string; part: number }>()
  const [atOnce, setAtOnce] = useState(false)
  const [problem, setProblem] = useState<Problem>()

  async function add(list: FileList | null) {
    setProblem(undefined)
    try {
      const found: Record<string, string> = {}
      for (const file of Array.from(list ?? [])) {
        setSent({ name: file.name, part: 0 })
        found[file.name] = await upload(file, (part) => setSent({ name: file.name, part }))
      }
      setFiles(found)
    } catch (thrown) {
      setProblem(Problem.from(thrown))
    } finally {
      setSent(undefined)
    }
  }

  function submit(event: Event) {
    event.preventDefault()
    if (question.trim()) onAsk({ question: question.trim(), files, session, atOnce })
  }

  return (
    <form class="card" onSubmit={submit}>
      <Input
        label="Question"
        name="question"
        value={question}
        maxLength={4000}
        placeholder="What is the trend of sea surface temperature from 1981 to 2010?"
        onInput={(event) => onQuestion(event.currentTarget.value)}
      />
      <Input
        label="Files, if it is about your own"
        hint="NetCDF. Without any, the data of this installation are searched."
        type="file"
        multiple
        accept=".nc,.nc4,.cdf"
        onChange={(event) => add(event.currentTarget.files)}
      />
      {sent && <Progress fraction={sent.part} message={sent.name} />}
      {problem && <ProblemNote problem={problem} />}
      <div class="row">
        <button type="submit" class="button main" disabled={busy || sent !== undefined || !question.trim()}>
          {busy ? 'Working…' : 'Ask'}
        </button>
        <label class="row small">
          <input type="checkbox" checked={atOnce} onChange={(event) => setAtOnce(event.currentTarget.checked)} />
          Run the best plan at once
        </label>
      </div>
    </form>
  )
}
