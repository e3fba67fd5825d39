/** A table that scrolls by itself where it is wider than the page, and by the keyboard too. */

import type { ComponentChildren } from 'preact'

export function Table({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    <div class="table" tabIndex={0} role="group" aria-label={label}>
      <table>{children}</table>
    </div>
  )
}
