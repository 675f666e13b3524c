import { type Db, query } from './connect.ts'
import { beforeEveryId } from './page.ts'
import type { Scope } from './scope.ts'

/** What a personal organization keeps of the public connection, under the same id: no secret, nothing to steer by. */
export interface PublicConnection {
  readonly id: string
  readonly name: string
  readonly issuer: string
  readonly clientId: string
}

const mirror = {
  name: 'mirror_connection',
  text: `
  insert into connections as c (organization_id, id, name, issuer, client_id, correlation_claim, scopes, created_at, updated_at)
  values ($1, $2, $3, $4, $5, 'sub', '{openid}', $6, $6)
  on conflict (organization_id, id) do update
    set issuer = excluded.issuer, client_id = excluded.client_id, version = c.version + 1, updated_at = excluded.updated_at
    where (c.issuer, c.client_id) is distinct from (excluded.issuer, excluded.client_id)`,
}

/** Has the personal organization of the scope know the public connection as it is now. */
export async function mirrorConnection(
  { db, organizationId, now }: Scope,
  { id, name, issuer, clientId }: PublicConnection,
): Promise<void> {
  await query(db, mirror, [organizationId, id, name, issuer, clientId, now])
}

const AT_ONCE = 1000

const endBatch = {
  name: 'end_public_sessions',
  text: `
  with batch as (
    select organization_id, id from public_identities where id > $2 order by id limit ${AT_ONCE}
  ), ended as (
    delete from sessions s using batch b where s.organization_id = b.organization_id and s.connection_id = $1
  )
  select id from batch order by id`,
}

/** Ends every session that began by the public connection, in however many organizations; may be repeated. */
export async function endPublicSessions(db: Db, connectionId: string): Promise<void> {
  for (let after: string | undefined = beforeEveryId; after !== undefined; ) {
    const batch: { id: string }[] = await query<{ id: string }>(db, endBatch, [connectionId, after])
    after = batch.at(-1)?.id
  }
}
