// The form that begins an evaluation: the data, and where the answers come from.

import { useState } from 'preact/hooks'
import { Problem } from '../api/problem'
import { upload } from '../api/upload'
import { Choices, Input } from '../ui/controls'
import { ProblemNote, Progress } from '../ui/notes'
import { folderOf, sent, type Folder } from './folder'
import { begun } from './service'

const SOURCES = [
  { value: 'predictions', label: 'My predictions' },
  { value: 'model', label: 'Ask a model' },
] as const

interface Props {
  suite: string
  variant: string
  onBegun: (operation: string) => void
}

export function NewEvaluation({ suite, variant, onBegun }: Props) {
  const [folder, setFolder] = useState<Folder>()
  const [source, setSource] = useState<(typeof SOURCES)[number]['value']>('predictions')
  const [predictions, setPredictions] = useState<File>()
  const [label, setLabel] = useState('')
  const [url, setUrl] = useState('')
  const [model, setModel] = useState('')
  const [doing, setDoing] = useState<{ part: number; what: string }>()
  const [wrong, setWrong] = useState('')
  const [problem, setProblem] = useState<Problem>()

  function choose(files: FileList | null) {
    setWrong('')
    setFolder(undefined)
    try {
      if (files?.length) setFolder(folderOf(Array.from(files)))
    } catch (thrown) {
      setWrong((thrown as Error).message)
    }
  }

  async function submit(event: Event) {
    event.preventDefault()
    setProblem(undefined)
    if (!folder) return setWrong('Choose the folder with the questions first.')
    try {
      setDoing({ part: 0, what: 'sending the data' })
      const data = await sent(folder, (done, of) => setDoing({ part: done / of, what: `${done} of ${of} files sent` }))
      const answers =
        source === 'model'
          ? { model: { url, model } }
          : { predictions: predictions && (await upload(predictions)), label }
      onBegun(await begun({ suite, variant, data, ...answers }))
    } catch (thrown) {
      setProblem(Problem.from(thrown))
    } finally {
      setDoing(undefined)
    }
  }

  return (
    <form class="card" onSubmit={submit}>
      <h2>Evaluate</h2>
      <Input
        label="Data folder"
        hint={
          folder
            ? `Found: ${folder.questions.name}, ${folder.images.size || 'no'} images.`
            : 'As its authors publish it: questions.json, .jsonl or .parquet, and the images beside it.'
        }
        type="file"
        onChange={(event) => choose(event.currentTarget.files)}
        wrong={wrong}
        {...{ webkitdirectory: true }}
      />
      <Choices label="Where answers come from" value={source} options={SOURCES} onChange={setSource} />
      {source === 'predictions' ? (
        <div class="halves">
          <Input
            label="Predictions"
            hint='JSON lines: {"id": …, "prediction": …}'
            type="file"
            accept=".jsonl"
            required
            onChange={(event) => setPredictions(event.currentTarget.files?.[0])}
          />
          <Input
            label="Name"
            name="label"
            hint="Under which they are ranked."
            required
            maxLength={200}
            value={label}
            onInput={(event) => setLabel(event.currentTarget.value)}
            wrong={problem}
          />
        </div>
      ) : (
        <div class="halves">
          <Input
            label="Address"
            name="url"
            hint="OpenAI-compatible, up to what precedes /chat/completions; the installation must allow it."
            type="url"
            required
            value={url}
            onInput={(event) => setUrl(event.currentTarget.value)}
            wrong={problem}
          />
          <Input
            label="Model"
            name="model"
            required
            maxLength={200}
            value={model}
            onInput={(event) => setModel(event.currentTarget.value)}
            wrong={problem}
          />
        </div>
      )}
      {doing && <Progress fraction={doing.part} message={doing.what} />}
      {problem && <ProblemNote problem={problem} />}
      <div class="row">
        <button type="submit" class="button main" disabled={doing !== undefined}>
          Evaluate
        </button>
      </div>
    </form>
  )
}
