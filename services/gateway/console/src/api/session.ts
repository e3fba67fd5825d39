/**
 * The API key of this tab. It lives in sessionStorage alone: closing the tab forgets it, and no address, cookie or log
 * ever holds it.
 */

const KEY = 'tellurion.key'
const listeners = new Set<(reason: string) => void>()

export function key(): string | null {
  return sessionStorage.getItem(KEY)
}

export function remember(given: string): void {
  sessionStorage.setItem(KEY, given)
}

/** Forgets the key, and tells the shell why it has to ask for one again. */
export function signOut(reason = ''): void {
  sessionStorage.clear()
  for (const listener of listeners) listener(reason)
}

/** Calls when the session ends; answers how to stop that. */
export function onSignOut(listener: (reason: string) => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
