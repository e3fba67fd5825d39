/** A picture that the gateway answers to those who have a key: an `<img>` of its address could not show one. */

import { useEffect, useState } from 'preact/hooks'
import { api } from '../api/client'
import { isAbort } from '../api/problem'

export function Picture({ path, alt }: { path: string; alt: string }) {
  const [address, set] = useState('')
  const [missing, miss] = useState(false)
  useEffect(() => {
    const asking = new AbortController()
    let made = ''
    miss(false)
    api.blob(path, { signal: asking.signal }).then(
      (blob) => asking.signal.aborted || set((made = URL.createObjectURL(blob))),
      (thrown) => isAbort(thrown) || miss(true),
    )
    return () => {
      asking.abort()
      // The next picture takes this one's place when it is there.
      setTimeout(() => URL.revokeObjectURL(made), 1000)
    }
  }, [path])
  if (missing) return <p class="hint">The picture is no longer kept.</p>
  return address ? (
    <img class="picture" src={address} alt={alt} />
  ) : (
    <div class="picture" role="status" aria-label="Loading" />
  )
}
