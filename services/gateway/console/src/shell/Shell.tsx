import type { ComponentChildren, ComponentType } from 'preact'
import { useEffect, useErrorBoundary, useRef, useState } from 'preact/hooks'
import type { Account } from '../api/account'
import { Problem } from '../api/problem'
import { signOut } from '../api/session'
import { Choice } from '../ui/controls'
import { Skeleton } from '../ui/loading'
import { ProblemNote } from '../ui/notes'
import { setTheme, theme, type Theme } from '../ui/theme'
import icon from './icon.svg'
import { PAGES, type PageEntry } from './pages'

/** Where the reader is: the part of the address after `#/`, up to the next slash. */
function here(): string {
  return location.hash.replace(/^#\//, '').split('/')[0] ?? ''
}

export function Shell({ account }: { account: Account }) {
  const pages = PAGES.filter(({ service }) => !service || account.services.includes(service))
  const [path, setPath] = useState(here())
  const [open, setOpen] = useState(false)
  const main = useRef<HTMLElement>(null)
  const page = pages.find((entry) => entry.path === path) ?? pages[0]!
  useEffect(() => {
    const moved = () => {
      setPath(here())
      setOpen(false)
    }
    addEventListener('hashchange', moved)
    return () => removeEventListener('hashchange', moved)
  }, [])
  useEffect(() => {
    document.title = `${page.title} · Tellurion`
    if (path !== page.path) history.replaceState(null, '', `#/${page.path}`) // no page has this address
  }, [path, page])
  const shown = useRef(page)
  useEffect(() => {
    if (shown.current === page) return
    shown.current = page
    main.current?.focus() // so that the page is read out, and not the whole navigation before it
  }, [page])
  const skip = (event: Event) => {
    event.preventDefault()
    main.current?.focus()
  }
  return (
    <div class="shell">
      <a class="skip button" href="#" onClick={skip}>
        Skip to the page
      </a>
      <div class={open ? 'side open' : 'side'}>
        <div class="row apart">
          <div class="brand">
            <img src={icon} alt="" /> Tellurion
          </div>
          <button type="button" class="menu button small" aria-expanded={open} onClick={() => setOpen(!open)}>
            Menu
          </button>
        </div>
        <nav aria-label="Pages">
          <ul>
            {pages.map((entry) => (
              <li key={entry.path}>
                {/* The page that is shown has no other address to move to. */}
                <a
                  href={`#/${entry.path}`}
                  aria-current={entry === page ? 'page' : undefined}
                  onClick={() => setOpen(false)}
                >
                  {entry.title}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <Who account={account} />
      </div>
      <main ref={main} tabIndex={-1} aria-label={page.title}>
        <Guarded key={page.path}>
          <Lazily page={page} />
        </Guarded>
      </main>
    </div>
  )
}

function Who({ account }: { account: Account }) {
  const [chosen, choose] = useState<Theme>(theme())
  const change = (value: Theme) => {
    setTheme(value)
    choose(value)
  }
  return (
    <section class="who" aria-label="You">
      <Choice
        label="Colours"
        value={chosen}
        onChange={change}
        options={[
          { value: 'system', label: 'As the system' },
          { value: 'light', label: 'Light' },
          { value: 'dark', label: 'Dark' },
        ]}
      />
      <p class="muted">
        {account.subject} of {account.tenant}, {account.role}
      </p>
      {account.keyed && (
        <button type="button" class="button small" onClick={() => signOut()}>
          Sign out
        </button>
      )}
    </section>
  )
}

/** A page whose mistakes are told in its place, and to the browser's console. */
function Guarded({ children }: { children: ComponentChildren }) {
  const [thrown, again] = useErrorBoundary(reportError)
  return thrown ? <ProblemNote problem={Problem.from(thrown)} again={again} /> : <>{children}</>
}

/** A page, loaded when it is first turned to. */
function Lazily({ page }: { page: PageEntry }) {
  const [loaded, set] = useState<{ Page: ComponentType } | Problem>()
  useEffect(() => {
    page.load().then(set, () => set(UNLOADED))
  }, [])
  if (loaded instanceof Problem) return <ProblemNote problem={loaded} again={() => location.reload()} />
  return loaded ? <loaded.Page /> : <Skeleton lines={6} />
}

const UNLOADED = new Problem({
  status: 0,
  title: 'This page could not be loaded',
  detail: 'The gateway cannot be reached, or has another version now.',
})
