// Point clouds: completed, classified by a few examples, searched for objects.

import { useEffect, useRef, useState } from 'preact/hooks'
import { isAbort, Problem } from '../api/problem'
import { save } from '../api/download'
import { Choices, Input } from '../ui/controls'
import { count } from '../ui/figures'
import { Loading, useLoaded } from '../ui/loading'
import { Empty, PageHead, ProblemNote } from '../ui/notes'
import { readCloud, writtenPly, type Cloud } from './cloud'
import { CloudView } from './CloudView'
import { Examples } from './Examples'
import { height } from './height'
import { Models } from './Models'
import { Answered, NOTHING, type Answer } from './Answered'
import './pointclouds.css'
import { classified, detected, models, reconstructed, type Example } from './service'

const TASKS = [
  { value: 'complete', label: 'Complete' },
  { value: 'unmask', label: 'Hide and restore' },
  { value: 'detect', label: 'Find objects' },
  { value: 'classify', label: 'Classify' },
] as const
type Task = (typeof TASKS)[number]['value']

const ABOUT: Record<Task, string> = {
  complete: 'Adds the side of an object that was not seen.',
  unmask: 'Hides most patches from the model and shows what it restores of them.',
  detect: 'Finds furniture in a scene in metres, with z up.',
  classify: 'Says which of your examples the cloud is most like.',
}

export function Page() {
  const known = useLoaded(models, [])
  const [opened, setOpened] = useState<{ name: string; cloud: Cloud }>()
  const [task, setTask] = useState<Task>('complete')
  const [leastScore, setLeastScore] = useState(0.3)
  const [examples, setExamples] = useState<Example[]>([])
  const [answer, setAnswer] = useState<Answer>(NOTHING)
  const [problem, setProblem] = useState<Problem>()
  const [wrong, setWrong] = useState('')
  const asking = useRef<AbortController | undefined>(undefined)
  const [busy, setBusy] = useState(false)
  useEffect(() => () => asking.current?.abort(), [])

  async function choose(file: File | undefined) {
    if (!file) return
    setWrong('')
    setProblem(undefined)
    try {
      setOpened({ name: file.name.replace(/\.\w+$/, ''), cloud: await readCloud(file) })
      setAnswer(NOTHING)
    } catch (thrown) {
      setWrong((thrown as Error).message)
    }
  }

  async function ask(cloud: Cloud): Promise<Answer> {
    const { signal } = asking.current!
    if (task === 'detect') return { ...NOTHING, found: await detected(cloud, leastScore, signal) }
    if (task === 'classify') {
      const encoder = (await models()).find((model) => model.tasks.includes('TASK_ENCODE'))
      return { ...NOTHING, classes: await classified(cloud, examples, encoder?.name ?? '', signal) }
    }
    const { added, visible } = await reconstructed(cloud, task === 'complete' ? 'TASK_COMPLETE' : 'TASK_UNMASK', signal)
    return { ...NOTHING, added, ...(visible ? { visible } : {}) }
  }

  async function run(event: Event) {
    event.preventDefault()
    setProblem(undefined)
    if (!opened) return setWrong('Choose a file first.')
    asking.current?.abort()
    asking.current = new AbortController()
    setAnswer(NOTHING)
    setBusy(true)
    try {
      setAnswer(await ask(opened.cloud))
    } catch (thrown) {
      if (!isAbort(thrown)) setProblem(Problem.from(thrown))
    } finally {
      setBusy(false)
    }
  }

  const shown = answer.visible ? { points: answer.visible } : opened?.cloud
  return (
    <div class="stack">
      <PageHead title="Point clouds">Objects and rooms as points: completed, classified, searched.</PageHead>
      <form class="card" onSubmit={run}>
        <Input
          label="Cloud"
          hint="PLY, or text with x, y and z a line, and red, green and blue where there are colours."
          type="file"
          accept=".ply,.xyz,.txt,.csv,.pts"
          onChange={(event) => choose(event.currentTarget.files?.[0])}
          wrong={wrong}
        />
        <div class="row">
          <Choices label="What is done" value={task} options={TASKS} onChange={setTask} />
        </div>
        <p class="hint">{ABOUT[task]}</p>
        {task === 'detect' && (
          <Input
            label={`Least score: ${leastScore.toFixed(2)}`}
            name="min_score"
            type="range"
            min={0.01}
            max={1}
            step={0.01}
            value={leastScore}
            onInput={(event) => setLeastScore(event.currentTarget.valueAsNumber)}
          />
        )}
        {task === 'classify' && <Examples examples={examples} onChange={setExamples} />}
        <div class="row">
          <button type="submit" class="button main" disabled={busy || (task === 'classify' && examples.length === 0)}>
            {busy ? 'Working…' : TASKS.find(({ value }) => value === task)!.label}
          </button>
          {busy && (
            <button type="button" class="button" onClick={() => asking.current?.abort()}>
              Cancel
            </button>
          )}
          {answer.added.length > 0 && (
            <button
              type="button"
              class="button"
              onClick={() => save(writtenPly(shown!.points, answer.added), `${opened!.name}-complete.ply`)}
            >
              Download PLY
            </button>
          )}
        </div>
      </form>
      {problem && <ProblemNote problem={problem} />}
      {opened && shown ? (
        <>
          <CloudView
            name={opened.name}
            cloud={shown}
            added={answer.added}
            boxes={answer.found?.boxes ?? []}
            colourOf={height}
          />
          <p class="hint" role="status">
            {count(shown.points.length / 3)} {shown.points.length === 3 ? 'point' : 'points'}, {shown.colours ? 'in their own colours' : 'coloured by height'}
            {answer.added.length > 0 && `; ${count(answer.added.length / 3)} added, turquoise`}. Drag to turn, shift-drag
            to move, scroll or pinch to go nearer.
          </p>
          <Answered answer={answer} />
        </>
      ) : (
        <Empty title="No cloud yet">Choose a file above; it is shown here.</Empty>
      )}
      <section class="stack" aria-labelledby="models">
        <h2 id="models">Models</h2>
        <Loading of={known}>{(list) => <Models models={list} />}</Loading>
      </section>
    </div>
  )
}
