/** Who asks, and what is there for them. */

import { createContext } from 'preact'
import { useContext } from 'preact/hooks'

export interface Account {
  tenant: string
  subject: string
  role: 'viewer' | 'user' | 'admin'
  scopes: string[]
  /** Whether the gateway asks for keys. */
  keyed: boolean
  services: string[]
  stored_bytes: number
  most_bytes: number
  requests_per_second: number
  burst: number
  requests_at_once: number
  artifact_hours: number
}

export const Here = createContext<Account | undefined>(undefined)

export function useAccount(): Account {
  const account = useContext(Here)
  if (!account) throw new Error('pages are shown to whoever is signed in')
  return account
}
