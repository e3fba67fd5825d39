// One fit: how far it has come, what it looks like so far, and what came of it.

import { useState } from 'preact/hooks'
import { api } from '../api/client'
import { download } from '../api/download'
import { Problem } from '../api/problem'
import { stateName, useOperation, type Operation } from '../api/work'
import { Facts } from '../ui/facts'
import { count, duration, moment, quantity } from '../ui/figures'
import { Skeleton } from '../ui/loading'
import { ProblemNote, Progress } from '../ui/notes'
import { Picture } from '../ui/Picture'
import { content } from './files'
import { previewIn, withoutPreview, type FitReport } from './fits'

interface Props {
  name: string
  /** As it stood when it was listed. */
  listed?: Operation<FitReport> | undefined
  onView: (report: FitReport) => void
}

export function Fit({ name, listed, onView }: Props) {
  const { operation, failure } = useOperation<FitReport>(name, listed)
  const [refused, setRefused] = useState<unknown>()
  if (!operation) return failure ? <ProblemNote problem={Problem.from(failure)} /> : <Skeleton height="9rem" />
  const { metadata, response } = operation
  const progress = metadata?.progress
  const preview = response?.preview ?? previewIn(progress?.message)
  const state = stateName(metadata?.state)
  const wrong = failure ?? refused
  return (
    <article class="card fit">
      {preview ? (
        <Picture path={content(preview)} alt="The first view of the scene, as far as the fit has come" />
      ) : (
        <div class="picture" />
      )}
      <div class="stack">
        {operation.done ? (
          <h3>
            {state}
            {metadata?.created && <span class="muted"> · {moment(metadata.created)}</span>}
          </h3>
        ) : (
          <Progress fraction={progress?.fraction ?? 0} message={withoutPreview(progress?.message) || state} />
        )}
        {response && (
          <Facts
            of={[
              ['Gaussians', count(Number(response.gaussians))],
              ['PSNR, held-out views', response.psnr_held_out && quantity(response.psnr_held_out, 'dB')],
              ['Time', duration(response.seconds)],
            ]}
          />
        )}
        {operation.error && operation.metadata.state !== 'STATE_CANCELLED' && <p class="wrong">{operation.error.message}</p>}
        {wrong !== undefined && <ProblemNote problem={Problem.from(wrong)} />}
        <div class="row">
          {response && (
            <>
              <button type="button" class="button main" onClick={() => onView(response)}>
                Look around
              </button>
              <button
                type="button"
                class="button"
                onClick={() => download(content(response.model), 'scene.ply').catch(setRefused)}
              >
                Download PLY
              </button>
            </>
          )}
          {!operation.done && (
            <button
              type="button"
              class="button danger"
              onClick={() => api.post(`/v1/${operation.name}:cancel`).catch(setRefused)}
            >
              Cancel
            </button>
          )}
        </div>
      </div>
    </article>
  )
}
