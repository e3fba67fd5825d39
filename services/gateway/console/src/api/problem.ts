/** A field that cannot be used, as the gateway tells it. */
export interface Violation {
  field: string
  received: string
  accepted: string
}

/** What failed, as it can be shown: an RFC 9457 problem document, or what a page itself knows of it. */
export class Problem extends Error {
  readonly status: number
  readonly title: string
  readonly violations: readonly Violation[]
  readonly requestId: string

  constructor(about: { status: number; title: string; detail: string; errors?: Violation[]; request_id?: string }) {
    super(about.detail)
    this.status = about.status
    this.title = about.title
    this.violations = about.errors ?? []
    this.requestId = about.request_id ?? ''
  }

  /** The problem that a refused request answers; of an answer that is none of the gateway's, what is known of it. */
  static async of(answer: Response): Promise<Problem> {
    const unknown = { status: answer.status, title: `Status ${answer.status}`, detail: 'The answer says no more.' }
    if (!answer.headers.get('content-type')?.includes('json')) return new Problem(unknown)
    try {
      return new Problem({ ...unknown, ...(await answer.json()) })
    } catch {
      return new Problem(unknown)
    }
  }

  /** Whatever was thrown, as a problem that can be shown. */
  static from(thrown: unknown): Problem {
    if (thrown instanceof Problem) return thrown
    if (thrown instanceof DOMException && ['NotReadableError', 'NotFoundError'].includes(thrown.name))
      return new Problem({
        status: 0,
        title: 'The file can no longer be read',
        detail: 'It was changed, moved or deleted since it was chosen. Choose it again.',
      })
    return new Problem({ status: 0, title: 'This page failed', detail: String(thrown) })
  }
}

/** A request that came to no gateway, or an answer that broke off. */
export class Unreachable extends Problem {
  constructor() {
    super({
      status: 0,
      title: 'The gateway cannot be reached',
      detail: 'Check the connection, then try again.',
    })
  }
}

/** A file without bytes; browsers show one that was deleted as such. */
export class EmptyFile extends Problem {
  constructor() {
    super({
      status: 0,
      title: 'The file has no bytes',
      detail: 'It is empty, or was moved or deleted since it was chosen. Choose it again.',
    })
  }
}

/** Request Timeout, Too Many Requests. */
const WAITED: readonly number[] = [408, 429]

/** Whether the same request may go well a little later. */
export function mayPass(thrown: unknown): boolean {
  if (thrown instanceof Unreachable) return true
  return thrown instanceof Problem && (thrown.status >= 500 || WAITED.includes(thrown.status))
}

/** Whether work was given up by whoever asked for it. */
export function isAbort(thrown: unknown): boolean {
  return thrown instanceof DOMException && thrown.name === 'AbortError'
}
