// What came of a cloud, beside what is seen of it.

import { number } from '../ui/figures'
import type { Found, Probability, Vector } from './service'

export interface Answer {
  /** [M × 3] points that were added. */
  added: Float64Array
  /** [V × 3] points that the model was shown. */
  visible?: Float64Array
  found?: Found
  classes?: Probability[]
}

export const NOTHING: Answer = { added: new Float64Array(0) }

export function Answered({ answer: { found, classes } }: { answer: Answer }) {
  return (
    <>
      {found?.notes.map((note) => (
        <p class="notice">{note}</p>
      ))}
      {found && found.boxes.length === 0 && (
        <p>Nothing was found with this score. Lower the least score, or look at another scene.</p>
      )}
      {found && found.boxes.length > 0 && (
        <div class="table" tabIndex={0} role="group" aria-label="Objects">
          <table>
            <thead>
              <tr>
                <th>Object</th>
                <th class="number">Score</th>
                <th class="number">Size</th>
                <th class="number">Middle</th>
              </tr>
            </thead>
            <tbody>
              {found.boxes.map((box) => (
                <tr>
                  <th scope="row">{box.label}</th>
                  <td class="number">{box.score.toFixed(2)}</td>
                  <td class="number">{metres(box.size, ' × ')}</td>
                  <td class="number">{metres(box.center, ', ')}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {classes && (
        <ol class="bars">
          {classes.map(({ label, probability }) => (
            <li>
              <span>{label}</span>
              <meter value={probability} aria-label={label} />
              <span class="figures">{Math.round(100 * probability)} %</span>
            </li>
          ))}
        </ol>
      )}
    </>
  )
}

function metres({ x, y, z }: Vector, between: string): string {
  return `${[x, y, z].map((value) => number(value)).join(between)} m`
}
