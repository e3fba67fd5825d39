// Scenes: photographs become Gaussians, and Gaussians are looked at, with and without their reflections.

import { useState } from 'preact/hooks'
import { Problem } from '../api/problem'
import { upload } from '../api/upload'
import { requestId } from '../api/work'
import { Input } from '../ui/controls'
import { Loading, Skeleton, useLoaded } from '../ui/loading'
import { Empty, PageHead, ProblemNote } from '../ui/notes'
import { convertedFile, modelFile, stored, transformsOf } from './files'
import { Fit } from './Fit'
import { fits, type FitReport } from './fits'
import { NewFit } from './NewFit'
import { Viewer } from './Viewer'
import './scenes.css'

interface Opened {
  /** Another for each that is opened: a canvas is drawn on by one renderer only. */
  id?: string
  name: string
  file: Blob
  transforms?: string | undefined
}

export function Page() {
  const list = useLoaded(fits, [])
  const [opened, setOpened] = useState<Opened>()
  const [doing, setDoing] = useState('')
  const [problem, setProblem] = useState<Problem>()
  const [wrong, setWrong] = useState('')
  const [begun, setBegun] = useState<string[]>([])

  async function show(what: string, how: () => Promise<Opened>) {
    setProblem(undefined)
    setDoing(what)
    try {
      setOpened({ ...(await how()), id: requestId() })
      scrollTo({ top: 0 })
    } catch (thrown) {
      setProblem(Problem.from(thrown))
    } finally {
      setDoing('')
    }
  }

  const openFiles = (files: File[]) => {
    const file = files.find(({ name }) => !/\.json$/i.test(name))
    const cameras = files.find(({ name }) => /\.json$/i.test(name))
    setWrong(cameras && !file ? 'Choose the model together with its cameras.' : '')
    if (!file) return
    void show(`Opening ${file.name}…`, async () => ({
      name: file.name.replace(/\.\w+$/, ''),
      file: /\.ply$/i.test(file.name) ? file : await convertedFile(await upload(file)),
      transforms: await cameras?.text(),
    }))
  }

  const openFit = (report: FitReport) =>
    show('Loading the model…', async () => {
      const [file, transforms] = await Promise.all([modelFile(report.model), transformsOf(stored(report.spec.scene))])
      return { name: 'scene', file, transforms }
    })

  return (
    <div class="stack">
      <PageHead title="Scenes">
        Photographs of a scene with glass or a mirror become Gaussians whose reflections stand apart.
      </PageHead>
      {opened && <Viewer key={opened.id} name={opened.name} file={opened.file} transforms={opened.transforms} />}
      {problem && <ProblemNote problem={problem} />}
      <p class="small" role="status">
        {doing}
      </p>
      <div class="halves">
        <NewFit onBegun={(operation) => setBegun([operation, ...begun])} />
        <section class="card">
          <h2>Open a model</h2>
          <Input
            label="Gaussians"
            hint="A PLY is read here and goes nowhere; SPLAT, SPZ and SOG are converted by the service. With a transforms.json beside it, it is seen from those cameras."
            type="file"
            multiple
            accept=".ply,.splat,.spz,.sog,.json"
            onChange={(event) => openFiles(Array.from(event.currentTarget.files ?? []))}
            wrong={wrong}
          />
        </section>
      </div>
      <section class="stack" aria-labelledby="fits">
        <h2 id="fits">Fits</h2>
        <Loading of={list} skeleton={<Skeleton height="9rem" />}>
          {(operations) => {
            const listed = new Map(operations.map((operation) => [operation.name, operation]))
            const names = [...begun.filter((name) => !listed.has(name)), ...listed.keys()]
            if (!names.length) return <Empty title="No fits yet">Choose a zip of photographs above.</Empty>
            return names.map((name) => <Fit key={name} name={name} listed={listed.get(name)} onView={openFit} />)
          }}
        </Loading>
      </section>
    </div>
  )
}
