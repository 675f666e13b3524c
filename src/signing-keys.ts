import {
  type CryptoKey,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JSONWebKeySet,
  type JWK,
} from 'jose'
import {
  addSigningKey,
  type Db,
  forgetSigningKeys,
  listSigningKeys,
  type NewSigningKey,
  type SigningKeyRow,
} from '../db/index.ts'
import type { Secrets } from './secrets.ts'

export type SigningAlgorithm = SigningKeyRow['algorithm']

/** What this service signs with at this moment. */
export interface Signer {
  readonly algorithm: SigningAlgorithm
  readonly kid: string
  readonly privateKey: CryptoKey
}

export interface SigningKeys {
  /** The one key of an algorithm that signs now, over all processes; made where there is none yet. */
  signer(algorithm: SigningAlgorithm): Promise<Signer>
  /** The keys that will sign, sign now, or signed what is still valid: never without one that signs. */
  published(): Promise<JSONWebKeySet>
}

export interface SigningKeysHost {
  readonly db: Db
  readonly secrets: Secrets
  readonly clock: () => Date
}

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const SIGNS = 30 * DAY
/** How long a key is published before it signs: longer than anybody, a process of ours included, holds an old set. */
const AHEAD = DAY
/** How long a key is published after it signed last: longer than anything lives that is signed here. */
const KEPT = 60 * MINUTE
/** How long a process takes what it read for what there is. */
const REMEMBERED = MINUTE

/**
 * Keys that replace one another: of each generation there is one, made by whoever needs it first, and its time to sign
 * is in its row. So every process knows which one signs, and none has to ask another.
 */
export function createSigningKeys(host: SigningKeysHost): SigningKeys {
  const { clock } = host
  const opened = new Map<string, Promise<CryptoKey>>()
  let held: { readonly readAt: number; readonly rows: Promise<SigningKeyRow[]> } | undefined

  async function rows(algorithm: SigningAlgorithm): Promise<SigningKeyRow[]> {
    const now = clock()
    const known = held && Math.abs(now.getTime() - held.readAt) < REMEMBERED ? await held.rows : []
    return known.some((row) => row.algorithm === algorithm) ? known : read(algorithm, now)
  }
  function read(algorithm: SigningAlgorithm, now: Date): Promise<SigningKeyRow[]> {
    const mine = { readAt: now.getTime(), rows: turned(host, { algorithm, now }) }
    held = mine
    mine.rows.catch(() => {
      if (held === mine) held = undefined
    })
    return mine.rows
  }
  function privateKeyOf(row: SigningKeyRow): Promise<CryptoKey> {
    const known = opened.get(row.kid) ?? open(host.secrets, row)
    if (opened.size > 8) opened.clear()
    opened.set(row.kid, known)
    known.catch(() => opened.delete(row.kid))
    return known
  }
  return {
    async signer(algorithm) {
      const row = current(await rows(algorithm), { algorithm, now: clock() })
      return { algorithm, kid: row.kid, privateKey: await privateKeyOf(row) }
    },
    async published() {
      const now = clock()
      // Not what is remembered: another process may have made a key since.
      const known = await read('ES256', now)
      return { keys: known.filter((row) => !isPast(row, known, now)).map(publicKeyOf) }
    },
  }
}

interface Turn {
  readonly algorithm: SigningAlgorithm
  readonly now: Date
}

/** All keys, after what is due was done for each algorithm that is in use or asked for. */
async function turned(host: SigningKeysHost, { algorithm, now }: Turn): Promise<SigningKeyRow[]> {
  const found = await listSigningKeys(host.db)
  const used = new Set([algorithm, ...found.map((row) => row.algorithm)])
  const done = await Promise.all([...used].map((one) => turn(host, found, { algorithm: one, now })))
  return done.some(Boolean) ? listSigningKeys(host.db) : found
}

/** Makes the next key when it is time to publish it, and forgets those whose time is over; whether anything was due. */
async function turn(
  { db, secrets }: SigningKeysHost,
  rows: readonly SigningKeyRow[],
  { algorithm, now }: Turn,
): Promise<boolean> {
  const own = rows.filter((row) => row.algorithm === algorithm)
  const last = own.at(-1)
  const past = own.filter((row) => isPast(row, own, now))
  const oldest = own[past.length]
  if (past.length > 0 && oldest) await forgetSigningKeys(db, oldest)
  const due = last === undefined || last.signs_from.getTime() + SIGNS - AHEAD <= now.getTime()
  if (due) await addSigningKey(db, await newKey(secrets, { algorithm, last, now }))
  return due || past.length > 0
}

/** However long nobody was there to make it, the next key is published before it signs; the first cannot be. */
async function newKey(
  secrets: Secrets,
  { algorithm, last, now }: Turn & { readonly last: SigningKeyRow | undefined },
): Promise<NewSigningKey> {
  const pair = await generateKeyPair(algorithm, { extractable: true, modulusLength: 2048 })
  const publicKey = await exportJWK(pair.publicKey)
  const kid = await calculateJwkThumbprint(publicKey)
  const plain = JSON.stringify(await exportJWK(pair.privateKey))
  const signsFrom = last && Math.max(last.signs_from.getTime() + SIGNS, now.getTime() + AHEAD)
  return {
    algorithm,
    generation: (last?.generation ?? 0) + 1,
    kid,
    public_key: { ...publicKey },
    private_key: await secrets.seal(plain, placeOf(kid)),
    signs_from: signsFrom === undefined ? now : new Date(signsFrom),
    created_at: now,
  }
}

/** The last whose time has come; or the first, where another process whose clock is ahead has just made it. */
function current(rows: readonly SigningKeyRow[], { algorithm, now }: Turn): SigningKeyRow {
  const own = rows.filter((row) => row.algorithm === algorithm)
  const row = own.findLast(({ signs_from }) => signs_from <= now) ?? own[0]
  if (!row) throw new Error(`there is no key for ${algorithm}`)
  return row
}

/** Whether the next one of its algorithm signs for so long that nothing signed by this one is valid any more. */
function isPast(row: SigningKeyRow, rows: readonly SigningKeyRow[], now: Date): boolean {
  const next = rows.find(
    ({ algorithm, generation }) => algorithm === row.algorithm && generation === row.generation + 1,
  )
  return next !== undefined && next.signs_from.getTime() + KEPT <= now.getTime()
}

const publicKeyOf = ({ algorithm, kid, public_key }: SigningKeyRow): JWK => ({
  ...public_key,
  kid,
  alg: algorithm,
  use: 'sig',
})

/** A key is no organization's. */
const placeOf = (kid: string) => ({
  organizationId: 'environment',
  column: 'signing_keys.private_key',
  rowId: kid,
})

async function open(secrets: Secrets, { algorithm, kid, private_key }: SigningKeyRow): Promise<CryptoKey> {
  const jwk = JSON.parse(await secrets.open(private_key, placeOf(kid)))
  // Of a JWK that is no secret, jose makes a CryptoKey.
  return (await importJWK(jwk, algorithm)) as CryptoKey
}
