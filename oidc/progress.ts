/** What a sign-in goes through, in this order. */
export const STAGES = [
  ...(['discovery', 'approval', 'request', 'answer', 'keys'] as const),
  ...(['token', 'id_token', 'demand', 'userinfo'] as const),
]
export type Stage = (typeof STAGES)[number]

/** How far a sign-in has come, and what became known on the way. */
export interface Progress {
  /** What it is at; all before that is done. */
  stage: Stage
  provider?: { readonly algorithms: readonly string[]; readonly origins: readonly string[] }
  keys?: readonly { readonly kty: string; readonly kid?: string; readonly alg?: string }[]
  /** Of an id_token that was verified, whatever is found wrong with it then. */
  claims?: Readonly<Record<string, unknown>>
}

/** One step tells two apart by what it says of its failure. */
export function failedStage(stage: Stage, code: string): Stage {
  if (stage === 'discovery' && code === 'provider_drifted') return 'approval'
  return stage === 'token' && code === 'invalid_id_token' ? 'id_token' : stage
}
