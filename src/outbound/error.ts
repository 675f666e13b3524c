export type OutboundCode =
  | 'outbound_url'
  | 'outbound_address'
  | 'outbound_timeout'
  | 'outbound_too_large'
  | 'outbound_unreachable'

/** Why a request was not made or not finished. `message` names hosts and system codes, never what was sent. */
export class OutboundError extends Error {
  override readonly name = 'OutboundError'
  readonly code: OutboundCode

  constructor(code: OutboundCode, message: string) {
    super(message)
    this.code = code
  }
}
