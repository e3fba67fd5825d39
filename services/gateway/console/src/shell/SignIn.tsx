import { useState } from 'preact/hooks'
import { remember } from '../api/session'
import { Input } from '../ui/controls'
import icon from './icon.svg'

const KEY = /^\s*(tell_[0-9a-f]{8}_[A-Za-z0-9_-]{43}|[\w-]+\.[\w-]+\.[\w-]+)\s*$/

export function SignIn({ reason, enter }: { reason: string; enter: () => Promise<void> }) {
  const [given, set] = useState('')
  const [wrong, setWrong] = useState('')
  const [busy, setBusy] = useState(false)
  const submit = async (event: Event) => {
    event.preventDefault()
    const key = KEY.exec(given)?.[1]
    if (!key)
      return setWrong('This is no key, which begins with tell_ and has 57 characters, and no token. Was it copied whole?')
    setWrong('')
    setBusy(true)
    remember(key)
    await enter()
    setBusy(false)
  }
  return (
    <main class="sign-in">
      <form class="card" onSubmit={submit}>
        <div class="brand" style={{ padding: 0 }}>
          <img src={icon} alt="" /> Tellurion
        </div>
        <h1>Sign in</h1>
        <Input
          label="API key or token"
          name="key"
          type="password"
          autocomplete="off"
          spellcheck={false}
          value={given}
          onInput={(event) => set(event.currentTarget.value)}
          wrong={wrong || reason}
          hint={
            <>
              A key of <code>tellurion keys create</code>, or a token of your identity provider. This tab forgets it when
              it is closed.
            </>
          }
        />
        <button class="button main" disabled={busy}>
          {busy ? 'Signing in…' : 'Sign in'}
        </button>
      </form>
    </main>
  )
}
