/** A field that cannot be used, as the gateway tells it. */
export interface Violation {
  field: string
  received: string
  accepted: string
}

/** A request that failed: an RFC 9457 problem document, or a gateway that could not be reached. */
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
    const unreachable = thrown instanceof TypeError
    return new Problem({
      status: 0,
      title: unreachable ? 'The gateway cannot be reached' : 'This page failed',
      detail: unreachable ? 'Check the connection, then try again.' : String(thrown),
    })
  }
}

/** Whether work was given up by whoever asked for it. */
export function isAbort(thrown: unknown): boolean {
  return thrown instanceof DOMException && thrown.name === 'AbortError'
}
