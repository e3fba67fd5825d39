// The ways to answer that the agent proposes, to choose one of.

import { bytes, duration } from '../ui/figures'
import type { Plan } from './service'

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
          <ul class="settings">
            {plan.settings.map((setting) => (
              <li class={setting.assumed ? 'tag assumed' : 'tag'} key={setting.name}>
                {setting.name}: {setting.value}
                {setting.assumed && ' (assumed)'}
                {setting.lesson && ' (as you taught)'}
              </li>
            ))}
          </ul>
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
