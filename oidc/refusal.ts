/** Why a sign-in was refused: `code` is stable, `message` safe to show; `status` is that of the page. */
export interface Refusal {
  readonly code: string
  readonly message: string
  /** The path at which the person would be let in. */
  readonly elsewhere?: string
  readonly status: 400 | 403 | 404 | 429 | 502 | 503 | 504
  /** The provider's own words, which are anybody's; they are in `message` too. */
  readonly said?: string
  /** For the log only: never a token, code or secret. */
  readonly detail?: string
}

/** What was refused, by whom and where. */
export interface RefusalContext {
  readonly of: 'sign-in' | 'logout' | 'signal'
  readonly connectionId?: string
  readonly requestId: string
}

/** What failed of ours, or what could not be read of a request; `message` is safe to show. */
export interface Failure {
  readonly code: string
  readonly message: string
  readonly status: number
}
