import { describe, expect, it } from 'vitest'
import { after, ofRun, type Known } from './following'
import type { Answer, Run } from './service'

const NEW: Known = { question: 'How warm?', doing: 'Asking', operation: '', steps: [], log: [], figures: [] }
const ANSWER = {
  ...{ status: 'STATUS_ANSWERED', files: { 'figure.png': 'f' } },
  values: [{ label: 'trend', number: 0.2, units: 'K' }],
} as unknown as Answer
const STEP = { name: 'read', outcome: '360 months', seconds: 1, done: true }

describe('after', () => {
  it('keeps steps, log and figures in the order in which they come', () => {
    const news = [{ operation: 'agent/operations/1' }, { step: STEP }, { log: 'a' }, { log: 'b' }, { figure: 'f' }]
    const known = news.reduce(after, NEW)
    expect(known).toMatchObject({ operation: 'agent/operations/1', steps: [STEP], log: ['a', 'b'], figures: ['f'] })
  })

  it('ends with the answer', () => {
    expect(after(NEW, { answer: ANSWER })).toMatchObject({ doing: '', answer: ANSWER })
  })

  it('leaves to the answer the figure that it has', () => {
    expect(after({ ...NEW, figures: ['e', 'f'] }, { answer: ANSWER }).figures).toEqual(['e'])
  })

  it('takes a question back, which stands in the proposal, for the answer', () => {
    const back = { ...ANSWER, status: 'STATUS_CLARIFY' as const }
    expect(after(NEW, { proposal: { run: 'agent/runs/1', plans: [], answer: back } }).answer).toBe(back)
  })
})

describe('ofRun', () => {
  it('knows of an earlier run what was kept of it', () => {
    const run = { question: 'q', operation: 'o', steps: [STEP], answer: ANSWER } as unknown as Run
    expect(ofRun(run)).toMatchObject({ question: 'q', operation: 'o', steps: [STEP], answer: ANSWER, log: [] })
  })
})
