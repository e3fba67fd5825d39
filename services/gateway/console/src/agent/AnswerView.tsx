// The end of a question: numbers with their uncertainty, a question back, or why there is no answer.

import { useState } from 'preact/hooks'
import { download } from '../api/download'
import { Problem } from '../api/problem'
import { number } from '../ui/figures'
import { ProblemNote } from '../ui/notes'
import { Picture } from '../ui/Picture'
import { Settings } from './Plans'
import type { Answer, Plan, Value } from './service'
import { raised, unit } from './units'

const FILES: Record<string, string> = {
  'report.html': 'Report',
  'report.md': 'Report as text',
  'data.nc': 'Data, NetCDF',
  'script.py': 'Script',
  'record.json': 'Record, to run again',
  'prov.json': 'Provenance',
}

interface Props {
  answer: Answer
  /** What was proposed, the plan that was run among it. */
  plans: Plan[]
  onOption: (option: string) => void
}

export function AnswerView({ answer, plans, onOption }: Props) {
  const [problem, setProblem] = useState<Problem>()
  const figure = answer.files['figure.png']
  const saved = Object.entries(FILES).filter(([name]) => answer.files[name])
  const run = plans.filter(({ title }) => title === answer.plan)
  return (
    <section class="card" aria-label="Answer">
      {answer.status === 'STATUS_CLARIFY' && (
        <>
          <h3>{answer.question}</h3>
          {answer.options.length > 0 && (
            <div class="row options">
              {answer.options.map((option) => (
                <button type="button" class="button" key={option} onClick={() => onOption(option)}>
                  {option}
                </button>
              ))}
            </div>
          )}
          <p class="hint">
            {answer.options.length ? 'Choose one, or answer' : 'Answer'} in the field above; what was asked before is
            remembered.
          </p>
        </>
      )}
      {answer.status === 'STATUS_ABSTAINED' && (
        <Reason title="This cannot be answered honestly" reason={answer.reason} />
      )}
      {answer.status === 'STATUS_FAILED' && <Reason title="The analysis failed" reason={answer.reason} />}
      {answer.values.length > 0 && (
        <dl class="values">
          {answer.values.map((value, index) => (
            <div key={value.label} class={index === 0 ? 'first' : ''}>
              <dt>{value.label}</dt>
              <dd>
                {shown(value)}
                {interval(value) && <span class="hint"> {interval(value)}</span>}
              </dd>
            </div>
          ))}
        </dl>
      )}
      {figure && <Picture path={`/v1/artifacts/${figure}/content`} alt={`Figure: ${answer.plan}`} />}
      {answer.plan && <p class="small muted">{answer.plan}</p>}
      {run.length === 1 && <Settings of={run[0]!} />}
      {answer.notes.length > 0 && (
        <ul class="small">
          {answer.notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
      {saved.length > 0 && (
        <div class="row">
          {saved.map(([name, label]) => (
            <button
              type="button"
              class="button small"
              key={name}
              onClick={() =>
                download(`/v1/artifacts/${answer.files[name]}/content`, name).catch((thrown) =>
                  setProblem(Problem.from(thrown)),
                )
              }
            >
              {label}
            </button>
          ))}
        </div>
      )}
      {problem && <ProblemNote problem={problem} />}
    </section>
  )
}

function Reason({ title, reason }: { title: string; reason: string }) {
  return (
    <>
      <h3>{title}</h3>
      <p>{reason}</p>
    </>
  )
}

function shown({ number: value, text, units }: Value): string {
  if (value === undefined) return text ?? ''
  return `${significant(value)} ${unit(units)}`.trim()
}

function interval({ low, high, units }: Value): string {
  return low === undefined || high === undefined
    ? ''
    : `${significant(low)} to ${significant(high)} ${unit(units)}`.trim()
}

/** Four significant digits, as much as any of these estimates has. */
export function significant(value: number): string {
  const digits = value === 0 ? 0 : 3 - Math.floor(Math.log10(Math.abs(value)))
  if (digits > 8 || digits < -8) {
    const [factor, power] = value.toExponential(3).split('e')
    return `${factor!.replace('-', '−')} × 10${raised(Number(power))}`
  }
  return number(value, Math.max(0, digits))
}
