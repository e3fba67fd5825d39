import { useEffect, useState } from 'preact/hooks'
import { Here, type Account } from '../api/account'
import { api, asksForKey } from '../api/client'
import { Problem } from '../api/problem'
import { key, onSignOut } from '../api/session'
import { ProblemNote } from '../ui/notes'
import { Shell } from './Shell'
import { SignIn } from './SignIn'

type Door =
  | { at: 'opening' }
  | { at: 'shut'; reason: string }
  | { at: 'failed'; problem: Problem }
  | { at: 'in'; account: Account }

/** Asks who is there: a gateway without keys answers at once, another asks for one. */
export function App() {
  const [door, set] = useState<Door>({ at: 'opening' })
  // One whose key was refused has been told by the session.
  const shut = () => set((now) => (now.at === 'shut' ? now : { at: 'shut', reason: '' }))
  const enter = async () => {
    try {
      if (!key() && (await asksForKey())) shut()
      else set({ at: 'in', account: await api.get<Account>('/v1/account') })
    } catch (thrown) {
      const problem = Problem.from(thrown)
      if (problem.status === 401) shut()
      else set({ at: 'failed', problem })
    }
  }
  useEffect(() => {
    void enter()
    return onSignOut((reason) => set({ at: 'shut', reason }))
  }, [])
  if (door.at === 'in')
    return (
      <Here.Provider value={door.account}>
        <Shell account={door.account} />
      </Here.Provider>
    )
  if (door.at === 'shut') return <SignIn reason={door.reason} enter={enter} />
  return <main class="sign-in">{door.at === 'failed' && <ProblemNote problem={door.problem} again={enter} />}</main>
}
