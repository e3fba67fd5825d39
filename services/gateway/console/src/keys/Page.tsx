import { useRef, useState } from 'preact/hooks'
import { useAccount, type Account } from '../api/account'
import { api } from '../api/client'
import { Problem } from '../api/problem'
import { Checks, Choice, Choices, Input, isOf } from '../ui/controls'
import { Facts } from '../ui/facts'
import { bytes, count, moment } from '../ui/figures'
import { Loading, useLoaded } from '../ui/loading'
import { Empty, PageHead, ProblemNote } from '../ui/notes'
import { Table } from '../ui/table'

interface Key {
  prefix: string
  subject: string
  role: Account['role']
  scopes: string[]
  created: string
  expires: string | null
  revoked: string | null
  used: string | null
}

/** The scope of all services; and that of stored files, which every result is. */
const ALL = '*'
const FILES = 'artifacts'

export function Page() {
  const account = useAccount()
  return (
    <>
      <PageHead title="Keys and usage">What {account.tenant} stores and may ask for, and who may ask for it.</PageHead>
      <div class="stack">
        <Usage />
        {!account.keyed ? (
          <Empty title="Nobody is asked for a key here">
            <p>
              Whoever reaches this address is served as one tenant. <code>tellurion up</code> makes an installation that
              asks for keys.
            </p>
          </Empty>
        ) : account.role === 'admin' && account.scopes.includes(ALL) ? (
          <Keys />
        ) : account.role === 'admin' ? (
          <Empty title="Keys are for administrators of all services">
            <p>Yours is for {account.scopes.join(', ')} alone. Sign in with a key for all services.</p>
          </Empty>
        ) : (
          <Empty title="Keys are for administrators">
            <p>
              Yours is of the role {account.role}. Ask an administrator of {account.tenant} for another key.
            </p>
          </Empty>
        )}
      </div>
    </>
  )
}

function Usage() {
  const loaded = useLoaded((signal) => api.get<Account>('/v1/account', { signal }), [])
  return (
    <section class="card" aria-label="Usage">
      <h2>Usage</h2>
      <Loading of={loaded}>
        {(account) => (
          <>
            <div class="field">
              <span class="label">Stored</span>
              <meter class="stored" value={account.stored_bytes} max={account.most_bytes} aria-label="Stored" />
              <p class="hint figures">
                {bytes(account.stored_bytes)} of {bytes(account.most_bytes)}; analyses are kept for{' '}
                {account.artifact_hours} hours
              </p>
            </div>
            <Facts
              of={[
                ['Requests a second', count(account.requests_per_second)],
                ['In a burst', count(account.burst)],
                ['At once', count(account.requests_at_once)],
                ['Your role', account.role],
              ]}
            />
            <p class="hint">Services: {account.services.join(', ') || 'none'}</p>
          </>
        )}
      </Loading>
    </section>
  )
}

function Keys() {
  const [all, setAll] = useState(false)
  const loaded = useLoaded(
    (signal) => api.get<{ keys: Key[] }>('/v1/keys', { signal, query: { all: all || undefined } }),
    [all],
  )
  return (
    <>
      <Make made={loaded.again} />
      <section class="card" aria-label="Keys">
        <div class="row apart">
          <h2>Keys</h2>
          <label class="row small">
            <input type="checkbox" checked={all} onChange={(event) => setAll(event.currentTarget.checked)} />
            Revoked and expired too
          </label>
        </div>
        <Loading of={loaded}>
          {({ keys }) =>
            keys.length ? (
              <List keys={keys} changed={loaded.again} />
            ) : (
              <Empty title="No key is good">
                <p>Make one above.</p>
              </Empty>
            )
          }
        </Loading>
      </section>
    </>
  )
}

function Make({ made }: { made: () => void }) {
  const { services } = useAccount()
  const [subject, setSubject] = useState('')
  const [role, setRole] = useState<Account['role']>('user')
  const [whole, setWhole] = useState<'all' | 'some'>('all')
  const [scopes, setScopes] = useState([FILES])
  const [days, setDays] = useState('90')
  const [problem, setProblem] = useState<Problem>()
  const [key, setKey] = useState('')
  const [busy, setBusy] = useState(false)
  const submit = (event: Event) => {
    event.preventDefault()
    setProblem(undefined)
    setKey('')
    setBusy(true)
    const body = { subject, role, scopes: whole === 'all' ? [ALL] : scopes, days: days ? Number(days) : null }
    api
      .post<{ key: string }>('/v1/keys', body)
      .then(
        (answer) => {
          setKey(answer.key)
          setSubject('')
          made()
        },
        (thrown) => setProblem(Problem.from(thrown)),
      )
      .finally(() => setBusy(false))
  }
  const controls = ['subject', 'days', ...(whole === 'some' ? ['scopes'] : [])]
  const told = problem?.violations.length && problem.violations.every((each) => controls.some((name) => isOf(each, name)))
  return (
    <form class="card" onSubmit={submit} aria-label="New key">
      <h2>New key</h2>
      <div class="grid">
        <Input
          label="Bearer"
          name="subject"
          required
          maxLength={100}
          value={subject}
          wrong={problem}
          onInput={(event) => setSubject(event.currentTarget.value)}
          hint="Name for logs: ann"
        />
        <Choice
          label="Role"
          name="role"
          value={role}
          onChange={setRole}
          options={[
            { value: 'viewer', label: 'Viewer: may look' },
            { value: 'user', label: 'User: may ask for work' },
            { value: 'admin', label: 'Admin: may make keys' },
          ]}
        />
        <Input
          label="Days"
          name="days"
          type="number"
          min={1}
          max={3650}
          value={days}
          wrong={problem}
          onInput={(event) => setDays(event.currentTarget.value)}
          hint="Empty: until it is revoked"
        />
      </div>
      <div class="field">
        <span class="label">For</span>
        <Choices
          label="For"
          value={whole}
          onChange={setWhole}
          options={[
            { value: 'all', label: 'All services' },
            { value: 'some', label: 'Some' },
          ]}
        />
      </div>
      {whole === 'some' && (
        <Checks
          label="Services"
          name="scopes"
          value={scopes}
          wrong={problem}
          onChange={setScopes}
          options={[...services.map((value) => ({ value, label: value })), { value: FILES, label: 'Files' }]}
          hint="Files: what services answer is stored, and cannot be opened without."
        />
      )}
      <div>
        <button class="button main" disabled={busy}>
          Make the key
        </button>
      </div>
      {problem && !told && <ProblemNote problem={problem} />}
      {key && <Made key={key} secret={key} done={() => setKey('')} />}
    </form>
  )
}

/** A key, this once. */
function Made({ secret, done }: { secret: string; done: () => void }) {
  const text = useRef<HTMLElement>(null)
  const [said, say] = useState('')
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(secret)
      say('Copied.')
    } catch {
      getSelection()?.selectAllChildren(text.current!)
      say('The browser lets no page copy here. It is selected: copy it with Ctrl or ⌘ and C.')
    }
  }
  return (
    <div class="notice" role="status">
      <strong>Copy it now: it is kept nowhere and cannot be shown again.</strong>
      <code ref={text}>{secret}</code>
      <div class="row">
        <button type="button" class="button small" onClick={copy}>
          Copy
        </button>
        <button type="button" class="button small" onClick={done}>
          Done
        </button>
        {said && <span class="small">{said}</span>}
      </div>
    </div>
  )
}

function List({ keys, changed }: { keys: Key[]; changed: () => void }) {
  const [problem, setProblem] = useState<Problem>()
  const revoke = (prefix: string) =>
    api.delete(`/v1/keys/${prefix}`).then(changed, (thrown) => setProblem(Problem.from(thrown)))
  return (
    <>
      {problem && <ProblemNote problem={problem} />}
      <Table label="List of keys">
        <thead>
          <tr>
            <th scope="col">Key</th>
            <th scope="col">Bearer</th>
            <th scope="col">Role</th>
            <th scope="col">For</th>
            <th scope="col">Made</th>
            <th scope="col">Last used</th>
            <th scope="col">State</th>
            <th scope="col">
              <span class="unseen">Revoke</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {keys.map((key) => (
            <tr key={key.prefix}>
              <th scope="row">
                <code>tell_{key.prefix}_…</code>
              </th>
              <td>{key.subject}</td>
              <td>{key.role}</td>
              <td>{key.scopes.map(scopeName).join(', ')}</td>
              <td class="line">{moment(key.created)}</td>
              <td class="line">{key.used ? moment(key.used) : 'never'}</td>
              <td>
                <State of={key} />
              </td>
              <td>{!key.revoked && <Revoke prefix={key.prefix} revoke={revoke} />}</td>
            </tr>
          ))}
        </tbody>
      </Table>
    </>
  )
}

function scopeName(scope: string): string {
  return scope === ALL ? 'all' : scope === FILES ? 'files' : scope
}

function State({ of: { revoked, expires } }: { of: Key }) {
  if (revoked) return <span class="tag bad">revoked</span>
  if (expires && new Date(expires) < new Date()) return <span class="tag">expired</span>
  return <span class="tag good">{expires ? `until ${moment(expires)}` : 'good'}</span>
}

/** Asks once more, in place: what is revoked stays so. */
function Revoke({ prefix, revoke }: { prefix: string; revoke: (prefix: string) => void }) {
  const [sure, ask] = useState(false)
  return sure ? (
    <button type="button" class="button small danger" onClick={() => revoke(prefix)} onBlur={() => ask(false)}>
      Really revoke<span class="unseen"> {prefix}</span>
    </button>
  ) : (
    <button type="button" class="button small" onClick={() => ask(true)}>
      Revoke<span class="unseen"> {prefix}</span>
    </button>
  )
}
