// The environment's own keys, which belong to no organization.
import { type Db, query } from './connect.ts'

export interface SigningKeyRow {
  readonly algorithm: 'ES256' | 'RS256'
  /** Counts up by one: of each there is one, whichever process made it. */
  readonly generation: number
  readonly kid: string
  readonly public_key: Readonly<Record<string, unknown>>
  /** Encrypted by the caller. */
  readonly private_key: string
  readonly signs_from: Date
}

export type NewSigningKey = SigningKeyRow & { readonly created_at: Date }

const list = {
  name: 'signing_keys',
  text: `select algorithm, generation, kid, public_key, private_key, signs_from from signing_keys
         order by algorithm, generation`,
}

/** All of them, for each algorithm the oldest first. */
export function listSigningKeys(db: Db): Promise<SigningKeyRow[]> {
  return query(db, list, [])
}

const add = {
  name: 'add_signing_key',
  text: `insert into signing_keys (algorithm, generation, kid, public_key, private_key, signs_from, created_at)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict (algorithm, generation) do nothing`,
}

/** Adds the key of a generation; nothing where another process was first. */
export async function addSigningKey(db: Db, key: NewSigningKey): Promise<void> {
  const { algorithm, generation, kid, public_key, private_key, signs_from, created_at } = key
  await query(db, add, [algorithm, generation, kid, public_key, private_key, signs_from, created_at])
}

const forget = {
  name: 'forget_signing_keys',
  text: 'delete from signing_keys where algorithm = $1 and generation < $2',
}

/** Removes the keys before a generation, their private parts with them. */
export async function forgetSigningKeys(
  db: Db,
  { algorithm, generation }: Pick<SigningKeyRow, 'algorithm' | 'generation'>,
): Promise<void> {
  await query(db, forget, [algorithm, generation])
}
