import { setTimeout as pause } from 'node:timers/promises'
import { NETWORK_DEADLINE } from './deadline.ts'
import { fromKept, OidcError, ofHost, refused } from './errors.ts'
import type { DocumentKind, OidcConnection, OidcOptions, SharedDocument } from './ports.ts'

/** How long a document is taken for what the provider says. */
export const LIFETIME = 5 * 60_000
/** How long a provider that failed is left alone. */
export const LIFETIME_OF_FAILURE = 10_000

const POLL = 100
const MOST_POLLS = NETWORK_DEADLINE / POLL
/** Characters of a document that is kept. */
const LONGEST = 256 * 1024

export interface Wanted {
  readonly connection: OidcConnection
  readonly kind: Exclude<DocumentKind, 'endpoints'>
  /** Only what is newer than this generation will do. */
  readonly newerThan?: number
  /** How often in a minute it may have been asked for to be asked for again. */
  readonly mostAsked: number
  /** Asks the provider; throws an `OidcError`. */
  readonly download: () => Promise<string>
}

export interface Kept {
  readonly generation: number
  readonly body: string
  readonly fetchedAt: Date
}

export interface Sharing extends Pick<OidcOptions, 'documents'> {
  readonly now: () => Date
}

/**
 * A document as all processes have it: asked for by one of them at a time, and for a while by none after it failed,
 * which is then the same refusal for all. Null where it was asked for too often.
 */
export async function sharedDocument(wanted: Wanted, sharing: Sharing): Promise<Kept | null> {
  const { connection, kind, newerThan = -1, mostAsked } = wanted
  let denied = false
  for (let polls = 0; polls < MOST_POLLS; polls++) {
    const seen = await ofHost(sharing.documents.read(connection, kind))
    const kept = keptOf(seen, sharing.now())
    if (kept && kept.generation > newerThan) return kept
    if (isFailing(seen, sharing.now())) throw fromKept(seen.failure)
    if (seen?.askingUntil && seen.askingUntil > sharing.now()) {
      denied = false
      await pause(POLL)
      continue
    }
    if (denied) return null
    const generation = seen?.generation ?? 0
    if (await ofHost(sharing.documents.claim(connection, kind, { generation, mostAsked })))
      return download(wanted, generation, sharing)
    // Looked at once more: somebody else may have come first.
    denied = true
  }
  throw refused('provider_timeout', `${kind} of another process`)
}

function keptOf(seen: SharedDocument | null, now: Date): Kept | null {
  const { body, fetchedAt, generation = 0 } = seen ?? {}
  if (body === undefined || fetchedAt === undefined) return null
  return fetchedAt.getTime() + LIFETIME > now.getTime() ? { body, fetchedAt, generation } : null
}

type Failing = SharedDocument & Required<Pick<SharedDocument, 'failure' | 'failedAt'>>

export function isFailing(seen: SharedDocument | null, now: Date): seen is Failing {
  const { failure, failedAt } = seen ?? {}
  return (
    failure !== undefined &&
    failedAt !== undefined &&
    failedAt.getTime() + LIFETIME_OF_FAILURE > now.getTime()
  )
}

async function download(
  { connection, kind, download }: Wanted,
  generation: number,
  { documents, now }: Sharing,
): Promise<Kept> {
  try {
    const body = await download()
    if (body.length > LONGEST) throw refused('provider_response', `${kind} too large`)
    await ofHost(documents.keep(connection, kind, body))
    return { body, generation: generation + 1, fetchedAt: now() }
  } catch (error) {
    if (error instanceof OidcError) await ofHost(documents.keepFailure(connection, kind, error.refusal))
    throw error
  }
}
