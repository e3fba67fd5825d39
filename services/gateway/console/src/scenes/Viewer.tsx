// A model on a canvas that can be turned by mouse, touch and keyboard.

import { useEffect, useRef, useState } from 'preact/hooks'
import type { Camera, Vector } from '../look/camera'
import { KEYS, useControls } from '../look/controls'
import '../look/look.css'
import { savePicture } from '../look/picture'
import { Choice, Choices } from '../ui/controls'
import { count } from '../ui/figures'
import type { Loaded } from './messages'
import type { Component } from './renderer'
import { open, type Stage } from './stage'
import { upwards, views, type NamedView } from './views'

const ALL = [
  { value: 'all', label: 'As seen' },
  { value: 'transmitted', label: 'Transmitted' },
  { value: 'reflected', label: 'Reflected' },
  { value: 'depth', label: 'Depth' },
] as const
const PLAIN = ALL.filter(({ value }) => value === 'all' || value === 'depth')
const UP: Vector = [0, -1, 0]

interface Props {
  /** A PLY. */
  file: Blob
  name: string
  /** The scene's cameras, where they are known. */
  transforms?: string | undefined
}

export function Viewer({ file, name, transforms }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const stage = useRef<Stage | undefined>(undefined)
  const camera = useRef<Camera | undefined>(undefined)
  const start = useRef<Camera | undefined>(undefined)
  const up = useRef<Vector>(UP)
  const [model, setModel] = useState<Loaded>()
  const [failure, setFailure] = useState('')
  const [component, setComponent] = useState<Component>('all')
  const [saving, setSaving] = useState(false)
  const [known, setKnown] = useState<NamedView[]>([])
  const [chosen, choose] = useState('')

  useEffect(() => {
    const element = canvas.current!
    const sized = new ResizeObserver(() => stage.current?.resize())
    let closed = false
    open(element, file, setFailure)
      .then(({ stage: opened, model: loaded }) => {
        if (closed) return opened.close()
        stage.current = opened
        const photographs = transforms ? views(transforms, loaded.overview.target) : []
        up.current = photographs.length ? upwards(photographs) : UP
        start.current = photographs[0]?.camera ?? loaded.overview
        setKnown(photographs)
        setModel(loaded)
        sized.observe(element)
        opened.resize()
        look(start.current)
      })
      .catch((thrown: Error) => closed || setFailure(thrown.message))
    return () => {
      closed = true
      sized.disconnect()
      stage.current?.close()
      stage.current = undefined
    }
  }, [file, transforms])

  // What was chosen while the model was being read is shown too.
  useEffect(() => stage.current?.show(component), [component, model])

  function look(next: Camera) {
    camera.current = next
    stage.current?.look(next)
  }

  async function savePng() {
    setSaving(true)
    await stage.current?.settled()
    setSaving(false)
    if (stage.current) savePicture(canvas.current!, `${name}-${component}.png`)
  }

  const handlers = useControls((how) => camera.current && look(how(camera.current)), up, start)
  return (
    <section class="look" aria-label="Viewer">
      <div class="row apart">
        <Choices
          label="What is shown"
          value={component}
          options={model?.reflective === false ? PLAIN : ALL}
          onChange={setComponent}
        />
        <div class="row">
          <button
            type="button"
            class="button small"
            disabled={!model}
            onClick={() => start.current && look(start.current)}
          >
            First view
          </button>
          <button type="button" class="button small" disabled={!model || saving} onClick={savePng}>
            {saving ? 'Drawing…' : 'Save picture'}
          </button>
        </div>
      </div>
      <canvas
        ref={canvas}
        tabIndex={0}
        role="application"
        aria-label={`The scene. ${KEYS}`}
        aria-busy={!model && !failure}
        {...handlers}
      />
      {failure && (
        <p class="wrong" role="alert">
          This cannot be shown: {failure}. Choose another file below.
        </p>
      )}
      <p class="hint" role="status">
        {!failure && (model ? described(model, component) : 'Reading the model…')}
      </p>
      {known.length > 0 && (
        <Choice
          label="Seen from the camera of"
          value={chosen}
          options={known.map((each) => ({ value: each.name, label: each.name }))}
          onChange={(next) => {
            choose(next)
            look(known.find((each) => each.name === next)!.camera)
          }}
        />
      )}
    </section>
  )
}

function described(model: Loaded, component: Component): string {
  const many = `${count(model.count)} Gaussians`
  if (component === 'depth')
    return `${many}. White is nearest, black is infinitely far: inverse depth, in the scene’s units.`
  const cut = model.degree > 3 ? ' Colours are shown up to degree 3 of their harmonics.' : ''
  return `${many}. Drag to turn, shift-drag to move, scroll or pinch to go nearer.${cut}`
}
