import type { Person } from '../oidc/provider.ts'

/** Somebody of the company's directory: what its provider says of them, at the push and at the sign-in. */
export interface Employee extends Person {
  /** The directory's own id, and with it SCIM's `externalId`: never the address, which may pass to another. */
  readonly oid: string
  readonly name: string
  readonly given_name: string
  readonly family_name: string
  readonly preferred_username: string
}

const domain = 'acme.example'

function employee(name: string, oid: string): Employee {
  const [given_name = '', family_name = ''] = name.split(' ')
  const address = `${given_name.toLowerCase()}@${domain}`
  return {
    sub: given_name.toLowerCase(),
    oid,
    name,
    given_name,
    family_name,
    email: address,
    email_verified: true,
    preferred_username: address,
  }
}

/** Pushed, and not here yet. */
export const ada = employee('Ada Lovelace', '1c0e5b3a-6f52-4c55-9d56-0a4f7c1b2d01')
/** Pushed, signs in, leaves. */
export const grace = employee('Grace Hopper', '1c0e5b3a-6f52-4c55-9d56-0a4f7c1b2d02')
/** Signs in without having been pushed. */
export const alan = employee('Alan Turing', '1c0e5b3a-6f52-4c55-9d56-0a4f7c1b2d03')
/** Whoever looks at the demo. */
export const newcomer = employee('Nora Newcomer', '1c0e5b3a-6f52-4c55-9d56-0a4f7c1b2d04')
