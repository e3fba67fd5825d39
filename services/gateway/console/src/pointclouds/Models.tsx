// The models of the service, and what each is not good for.

import { count } from '../ui/figures'
import type { Model } from './service'

const TASKS: Record<string, string> = {
  TASK_ENCODE: 'classify',
  TASK_COMPLETE: 'complete',
  TASK_UNMASK: 'restore',
  TASK_DETECT: 'find objects',
}

export function Models({ models }: { models: Model[] }) {
  return (
    <div class="table models" tabIndex={0} role="group" aria-label="Models">
      <table>
        <thead>
          <tr>
            <th>Model</th>
            <th>What for</th>
            <th>Trained on</th>
            <th>Limits</th>
            <th class="number">Parameters</th>
          </tr>
        </thead>
        <tbody>
          {models.map((model) => (
            <tr>
              <th scope="row">{model.name}</th>
              <td>{model.tasks.map((task) => TASKS[task] ?? task).join(', ')}</td>
              <td>{model.trained_on}</td>
              <td>{model.limits}</td>
              <td class="number">{count(Number(model.parameters))}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
