/** What an IdP says of one person, whichever way it came. */
interface Said {
  readonly connectionId: string
  readonly userName: string
  /** The form in which it is compared with others. */
  readonly userNameKey: string
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
  /** The address, and the claim by which the provider says that it is the person's own; absent where none does. */
  readonly email: {
    readonly value: string
    readonly domain: string | null
    readonly verifiedBy?: string
  } | null
  /** Groups as the provider names them; null where it did not say. They give nothing by themselves. */
  readonly groups: readonly string[] | null
  /** Attributes that the provider says are empty; of others on which it is silent, nothing is known. */
  readonly without: readonly string[]
}

export type Identity = Push | SignIn
