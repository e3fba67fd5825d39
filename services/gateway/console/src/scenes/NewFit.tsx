// The form that begins a fit: photographs with their cameras, and how long it may take.

import { useState } from 'preact/hooks'
import { Problem } from '../api/problem'
import { upload } from '../api/upload'
import { Choice, Input } from '../ui/controls'
import { ProblemNote, Progress } from '../ui/notes'
import { begun, describedScene, type FitSpec, type SceneDescription } from './fits'

const MODES = [
  { value: 'MODE_REF_UNLOCK', label: 'Transmitted and reflected, apart' },
  { value: 'MODE_3DGS', label: 'Plain Gaussians' },
] as const

export function NewFit({ onBegun }: { onBegun: (operation: string) => void }) {
  const [scene, setScene] = useState<{ id: string; about: SceneDescription }>()
  const [sent, setSent] = useState<number>()
  const [problem, setProblem] = useState<Problem>()
  const [mode, setMode] = useState<FitSpec['mode']>('MODE_REF_UNLOCK')
  const [iterations, setIterations] = useState(3000)

  async function choose(file: File | undefined) {
    if (!file) return
    setScene(undefined)
    setProblem(undefined)
    setSent(0)
    try {
      const id = await upload(file, setSent)
      setScene({ id, about: await describedScene(id) })
    } catch (thrown) {
      setProblem(Problem.from(thrown))
    } finally {
      setSent(undefined)
    }
  }

  async function begin(event: Event) {
    event.preventDefault()
    if (!scene) return
    setProblem(undefined)
    try {
      onBegun(await begun({ scene: scene.id, mode, iterations }))
    } catch (thrown) {
      setProblem(Problem.from(thrown))
    }
  }

  return (
    <form class="card" onSubmit={begin}>
      <h2>Fit a scene</h2>
      <Input
        label="Photographs"
        hint="A zip of a folder: transforms.json or COLMAP’s sparse/, and the images that it names."
        type="file"
        accept=".zip"
        onChange={(event) => choose(event.currentTarget.files?.[0])}
      />
      {sent !== undefined && <Progress fraction={sent} message={sent < 1 ? 'sending' : 'reading the scene'} />}
      {scene && (
        <p class="small" role="status">
          {scene.about.views.length} views of {scene.about.width} × {scene.about.height} pixels;{' '}
          {scene.about.held_out.length} of them are held out.
        </p>
      )}
      <div class="grid">
        <Choice label="What is fitted" name="mode" value={mode} options={MODES} onChange={setMode} wrong={problem} />
        <Input
          label="Steps"
          name="iterations"
          hint="30 000 for the best picture, 3000 for a quick look."
          type="number"
          min={1}
          max={100000}
          value={iterations}
          onInput={(event) => setIterations(event.currentTarget.valueAsNumber)}
          wrong={problem}
        />
      </div>
      {problem && <ProblemNote problem={problem} />}
      <div class="row">
        <button type="submit" class="button main" disabled={!scene}>
          Fit
        </button>
      </div>
    </form>
  )
}
