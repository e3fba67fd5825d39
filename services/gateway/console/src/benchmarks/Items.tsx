// Every item of an evaluation: what was predicted, what was taken from that, and why it scored as it did.

import { useState } from 'preact/hooks'
import { Choice, Input } from '../ui/controls'
import { number } from '../ui/figures'
import { words, type Item } from './service'

const SHOWN = 50
const OUTCOMES = [
  { value: 'any', label: 'Any score' },
  { value: 'wrong', label: 'Below full' },
  { value: 'right', label: 'Full' },
  { value: 'unscored', label: 'Not scored' },
] as const
type Outcome = (typeof OUTCOMES)[number]['value']

export function Items({ items }: { items: Item[] }) {
  const [text, setText] = useState('')
  const [outcome, setOutcome] = useState<Outcome>('any')
  const [shown, setShown] = useState(SHOWN)
  const found = items.filter((item) => outcomeFits(item, outcome) && textFits(item, text.toLowerCase()))
  return (
    <section class="stack" aria-label="Items">
      <div class="halves">
        <Input
          label="Find in items"
          type="search"
          value={text}
          onInput={(event) => {
            setText(event.currentTarget.value)
            setShown(SHOWN)
          }}
        />
        <Choice label="Score" value={outcome} options={OUTCOMES} onChange={setOutcome} />
      </div>
      <p class="hint" role="status">
        {found.length} of {items.length} items
      </p>
      <ul class="items">
        {found.slice(0, shown).map((item) => (
          <li key={item.id}>
            <details>
              <summary>
                <span class="id">{item.id}</span>
                <span class="hint">{words(item.kind)}</span>
                <span class={`tag ${item.score === null ? '' : item.score >= 1 ? 'good' : 'bad'}`}>
                  {item.score === null ? 'not scored' : number(item.score)}
                </span>
              </summary>
              <dl>
                {Object.entries(item.groups ?? {}).map(([dimension, name]) => (
                  <Row key={dimension} name={words(dimension)} value={words(name)} />
                ))}
                <Row name="Predicted" value={asText(item.prediction)} />
                <Row name="Taken from it" value={item.extracted} />
                <Row name="Why" value={item.reason} />
              </dl>
            </details>
          </li>
        ))}
      </ul>
      {shown < found.length && (
        <div class="row">
          <button type="button" class="button" onClick={() => setShown(shown + SHOWN)}>
            Show {Math.min(SHOWN, found.length - shown)} more
          </button>
        </div>
      )}
    </section>
  )
}

function Row({ name, value }: { name: string; value: string | null | undefined }) {
  if (!value) return null
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  )
}

function outcomeFits({ score }: Item, outcome: Outcome): boolean {
  if (outcome === 'any') return true
  if (outcome === 'unscored') return score === null
  return score !== null && score >= 1 === (outcome === 'right')
}

function textFits(item: Item, text: string): boolean {
  return !text || Object.values(item).some((value) => typeof value === 'string' && value.toLowerCase().includes(text))
}

/** Predictions of some kinds of item are dialogues. */
function asText(prediction: unknown): string | undefined {
  return typeof prediction === 'string' || prediction === undefined ? prediction : JSON.stringify(prediction, null, 2)
}
