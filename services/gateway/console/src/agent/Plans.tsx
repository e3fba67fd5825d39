// The ways to answer that the agent proposes, to choose one of.

import { bytes, duration } from '../ui/figures'
import type { Plan } from './service'
import { unit } from './units'

interface Props {
  plans: Plan[]
  /** Not there once one was chosen. */
  onChoose?: ((plan: number) => void) | undefined
}

export function Plans({ plans, onChoose }: Props) {
  return (
    <ol class="plans">
      {plans.map((plan, index) => (
        <li class="card" key={index}>
          <div class="row apart">
            <h3>{plan.title}</h3>
            <span class="tag">{index === 0 ? 'Best fit' : `Fit ${Math.round(100 * plan.score)} %`}</span>
          </div>
          <Settings of={plan} />
          <details>
            <summary>Data and reasons</summary>
            <ul class="small">
              {Object.entries(plan.data).map(([role, name]) => (
                <li key={role}>
                  {role}: <code>{name}</code>
                </li>
              ))}
              {plan.reasons.map((reason) => (
                <li key={reason}>{reason}</li>
              ))}
            </ul>
          </details>
          <div class="row apart">
            <span class="hint">
              Reads {bytes(Number(plan.bytes))}, about {duration(plan.seconds)}
            </span>
            {onChoose && (
              <button type="button" class={index === 0 ? 'button main' : 'button'} onClick={() => onChoose(index)}>
                Run this plan
              </button>
            )}
          </div>
        </li>
      ))}
    </ol>
  )
}

/** What the question said, and what was taken where it said nothing. */
export function Settings({ of: { settings } }: { of: Plan }) {
  return (
    <ul class="settings" aria-label="Settings">
      {settings.map(({ name, value, assumed, lesson }) => (
        <li class={assumed ? 'tag assumed' : 'tag'} key={name}>
          {name.replaceAll('_', ' ')}: {name === 'answer_units' ? unit(value) : value}
          {assumed && ' (assumed)'}
          {lesson && ' (as you taught)'}
        </li>
      ))}
    </ul>
  )
}
