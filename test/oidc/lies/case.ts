import type { HostileProvider, Json, Lies } from '../hostile.ts'

/** A lie, and how the sign-in in which it is told is refused. */
export interface Case {
  readonly name: string
  readonly lies: Lies
  readonly status: number
  readonly code: string
}

/** What is true however odd it looks. */
export type Honest = Pick<Case, 'name' | 'lies'>

export type CasesOf<One = Case> = (provider: HostileProvider) => One[]

/** The secret of the client that the lies are told to. */
export const CLIENT_SECRET = 'a-secret-of-the-test-client'

export const badToken = (name: string, lies: Lies): Case => ({
  name,
  lies,
  status: 400,
  code: 'invalid_id_token',
})

export const claim = (name: string, claims: Json, code = 'invalid_id_token'): Case => ({
  name,
  lies: { claims: (good) => ({ ...good, ...claims }) },
  status: 400,
  code,
})

export const discovery = (name: string, metadata: Json, code = 'provider_metadata'): Case => ({
  name,
  lies: { discovery: (good) => ({ ...good, ...metadata }) },
  status: 502,
  code,
})

export const answer = (
  name: string,
  change: (given: URLSearchParams) => void,
  code = 'invalid_request',
): Case => ({ name, lies: { answer: change }, status: 400, code })
