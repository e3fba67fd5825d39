/** Light or dark: what the system prefers, or what was chosen here. */

export type Theme = 'system' | 'light' | 'dark'

const KEY = 'tellurion.theme'
export const CHANGED = 'tellurion:theme'

export function theme(): Theme {
  const kept = localStorage.getItem(KEY)
  return kept === 'light' || kept === 'dark' ? kept : 'system'
}

export function setTheme(chosen: Theme): void {
  localStorage.setItem(KEY, chosen)
  applyTheme()
}

export function applyTheme(): void {
  document.documentElement.dataset['theme'] = theme()
  dispatchEvent(new Event(CHANGED))
}

/** Calls whenever colours have changed, so that what is drawn is drawn again; answers how to stop that. */
export function onColours(redraw: () => void): () => void {
  const system = matchMedia('(prefers-color-scheme: dark)')
  system.addEventListener('change', redraw)
  addEventListener(CHANGED, redraw)
  return () => {
    system.removeEventListener('change', redraw)
    removeEventListener(CHANGED, redraw)
  }
}
