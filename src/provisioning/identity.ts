/** What an IdP says of one person, whichever way it came. */
interface Said {
  readonly connectionId: string
  readonly userName: string
  /** The IdP's own key for the person: SCIM's `externalId`, or the correlation claim. */
  readonly externalId: string | null
  /** The remaining attributes by their SCIM names. */
  readonly attributes: Readonly<Record<string, unknown>>
}

/** A SCIM create. */
export interface Push extends Said {
  readonly via: 'scim'
  readonly active: boolean
}

/** A verified sign-in. */
export interface SignIn extends Said {
  readonly via: 'sign-in'
  readonly issuer: string
  readonly subject: string
  /** Whether the connection has a SCIM half too, so that its pushes and its sign-ins speak of the same people. */
  readonly bound: boolean
}

export type Identity = Push | SignIn
