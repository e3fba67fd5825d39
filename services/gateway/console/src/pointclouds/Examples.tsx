// Examples by which clouds are classified: files, each with the name of its class.

import { useState } from 'preact/hooks'
import { Input } from '../ui/controls'
import { readCloud } from './cloud'
import type { Example } from './service'

interface Props {
  examples: Example[]
  onChange: (examples: Example[]) => void
}

export function Examples({ examples, onChange }: Props) {
  const [wrong, setWrong] = useState('')

  async function add(files: FileList | null) {
    setWrong('')
    try {
      const read = await Promise.all(
        Array.from(files ?? [], async (file) => ({ cloud: await readCloud(file), label: labelOf(file.name) })),
      )
      onChange([...examples, ...read])
    } catch (thrown) {
      setWrong((thrown as Error).message)
    }
  }

  return (
    <fieldset class="examples">
      <legend>Examples</legend>
      <Input
        label="Files"
        hint="A few of each class; the class is what a file’s name begins with: chair-1.ply is a chair."
        type="file"
        multiple
        accept=".ply,.xyz,.txt,.csv,.pts"
        onChange={(event) => add(event.currentTarget.files)}
        wrong={wrong}
      />
      <ul class="row">
        {examples.map((example, index) => (
          <li class="tag">
            {example.label}{' '}
            <button
              type="button"
              class="remove"
              aria-label={`Leave example ${index + 1}, ${example.label}, out`}
              onClick={() => onChange(examples.filter((each) => each !== example))}
            >
              ×
            </button>
          </li>
        ))}
      </ul>
    </fieldset>
  )
}

/** What a file's name begins with, before a number. */
export function labelOf(name: string): string {
  const stem = name.replace(/\.\w+$/, '')
  return stem.replace(/[-_ ]*\d+$/, '') || stem
}
