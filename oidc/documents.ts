import type { Refusal } from './refusal.ts'

/** `endpoints` has no body: it stands for whether the provider answers at all. */
export type DocumentKind = 'discovery' | 'keys' | 'signal-keys' | 'endpoints'

/** What one process got of a provider, or why it did not, for all of them. */
export interface SharedDocument {
  /** Raised with each body. */
  readonly generation: number
  readonly body?: string
  readonly fetchedAt?: Date
  readonly failure?: Pick<Refusal, 'code' | 'detail'>
  readonly failedAt?: Date
  /** Until when some process is at it. */
  readonly askingUntil?: Date
}

export interface Seen {
  readonly generation: number
  readonly mostAsked: number
}
