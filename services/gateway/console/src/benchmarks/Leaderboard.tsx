// Evaluations that can be compared, the best first, each figure with its interval.

import { number } from '../ui/figures'
import { Empty } from '../ui/notes'
import { scaleOf } from '../charts/scale'
import { words, type Board } from './service'
import { Axis, Whisker } from '../charts/Whisker'

interface Props {
  boards: Board[]
  onOpen: (operation: string) => void
}

export function Leaderboard({ boards, onOpen }: Props) {
  if (!boards.length) {
    return <Empty title="Nobody has been ranked yet">Evaluate a model, or predictions that you have, below.</Empty>
  }
  return boards.map((board, index) => <Table key={index} board={board} onOpen={onOpen} />)
}

function Table({ board, onOpen }: { board: Board } & Pick<Props, 'onOpen'>) {
  const figures = board.standings.flatMap(({ metric: { value, low, high } }) => [value, low, high])
  const scale = scaleOf(figures.filter((value) => value !== undefined))
  const metric = words(board.metric)
  const digits = metric.endsWith('%') ? 2 : 3
  return (
    <div class="card">
      <div class="table" tabIndex={0} role="group" aria-label={`Leaderboard by ${metric}`}>
        <table class="board">
          <caption>
            {board.dataset_sha256
              ? `By ${metric}, ${board.items} items${board.judge && `, judged by ${board.judge}`}; bars are 95 % intervals`
              : `As published, by ${metric}: on which items is not known`}
          </caption>
          <thead>
            <tr>
              <th class="number">Place</th>
              <th>Model</th>
              <th class="number">{metric}</th>
              <th class="wide">
                <Axis scale={scale} />
              </th>
            </tr>
          </thead>
          <tbody>
            {board.standings.map((standing) => (
              <tr key={standing.operation || standing.model}>
                <td class="number">{places(standing.best_rank, standing.worst_rank)}</td>
                <th scope="row">
                  {standing.operation ? (
                    <button type="button" class="button plain" onClick={() => onOpen(standing.operation)}>
                      {standing.model}
                    </button>
                  ) : (
                    standing.model
                  )}
                  {standing.coverage < 1 && standing.operation && (
                    <span class="hint"> {Math.round(100 * standing.coverage)} % answered</span>
                  )}
                  {standing.published_by && <span class="hint"> {standing.published_by}</span>}
                </th>
                <td class="number">{standing.metric.value === undefined ? '–' : number(standing.metric.value, digits)}</td>
                <td class="wide">
                  <Whisker scale={scale} {...standing.metric} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  )
}

/** The places that an interval allows. */
export function places(best: number, worst: number): string {
  if (!best) return '–'
  return best === worst ? String(best) : `${best}–${worst}`
}
