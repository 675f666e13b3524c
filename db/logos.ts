import { query, transact } from './connect.ts'
import { type NewEvent, recordEvents } from './events.ts'
import type { Scope } from './scope.ts'

export interface LogoRow {
  readonly type: string
  readonly image: Buffer
  /** Another for another image. */
  readonly version: string
}

const put = {
  name: 'put_logo',
  text: `insert into logos as l (organization_id, type, image, version, updated_at) values ($1, $2, $3, $4, $5)
         on conflict (organization_id) do update
           set type = excluded.type, image = excluded.image, version = excluded.version,
             updated_at = excluded.updated_at
           where l.version <> excluded.version
         returning version`,
}

/** False where it was this image already. */
export async function putLogo(scope: Scope, row: LogoRow, events: readonly NewEvent[]): Promise<boolean> {
  const values = [scope.organizationId, row.type, row.image, row.version, scope.now]
  return transact(scope.db, async (db) => {
    const rows = await query(db, put, values)
    if (rows.length === 1) await recordEvents({ ...scope, db }, events)
    return rows.length === 1
  })
}

const find = { name: 'find_logo', text: 'select type, image, version from logos where organization_id = $1' }

export async function findLogo({ db, organizationId }: Scope): Promise<LogoRow | null> {
  return (await query<LogoRow>(db, find, [organizationId]))[0] ?? null
}

const versionOf = { name: 'logo_version', text: 'select version from logos where organization_id = $1' }

export async function logoVersion({ db, organizationId }: Scope): Promise<string | null> {
  return (await query<{ version: string }>(db, versionOf, [organizationId]))[0]?.version ?? null
}

const remove = { name: 'delete_logo', text: 'delete from logos where organization_id = $1 returning version' }

export async function deleteLogo(scope: Scope, events: readonly NewEvent[]): Promise<boolean> {
  return transact(scope.db, async (db) => {
    const rows = await query(db, remove, [scope.organizationId])
    if (rows.length === 1) await recordEvents({ ...scope, db }, events)
    return rows.length === 1
  })
}
