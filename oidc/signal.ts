/** A stream of signals (Shared Signals) about the people of a connection. */
export interface SignalStream {
  readonly issuer: string
  readonly audience: string
  /** Absent: the provider signs them, too. */
  readonly jwksUri?: string
  /** Absent: push. */
  readonly delivery?: 'push' | 'poll'
  /** Where it is polled. */
  readonly endpoint?: string
  /** What the transmitter shows beside its signature, or what is shown to it where it is polled. */
  readonly token?: string
}

export type SignalKind =
  | 'session-revoked'
  | 'credential-change'
  | 'account-disabled'
  | 'account-enabled'
  | 'account-purged'

/** All that is given holds together; nothing given is nobody. */
export interface SignalSubject {
  /** As the provider of the connection names the person. */
  readonly subject?: string
  readonly email?: string
  /** One session of the provider. */
  readonly sid?: string
}

export interface Signal {
  readonly kind: SignalKind
  readonly subject: SignalSubject
}
