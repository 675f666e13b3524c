// Every query that runs before an organization is known, and no other.
import { type Db, query } from './connect.ts'

export async function organizationOfConnection(
  { models, transaction }: Db,
  connectionId: string,
): Promise<string | null> {
  const row = await models.ConnectionDirectory.findByPk(connectionId, { transaction: transaction ?? null })
  return row?.organizationId ?? null
}

export async function organizationBySlug(
  { models, transaction }: Db,
  slug: string,
): Promise<{ id: string; slug: string; name: string } | null> {
  const where = { slug, status: 'active' }
  return models.Organization.findOne({ where, transaction: transaction ?? null })
}

const adminKey = {
  name: 'admin_key_by_secret',
  text: `select id, name from admin_keys
         where secret_hash = $1 and revoked_at is null and (expires_at is null or expires_at > $2)`,
}

/** The key of the environment whose secret this is the hash of. */
export async function findAdminKey(
  db: Db,
  secretHash: Buffer,
  now: Date,
): Promise<{ id: string; name: string } | null> {
  return (await query<{ id: string; name: string }>(db, adminKey, [secretHash, now]))[0] ?? null
}

export async function countAdminKeys({ models }: Db): Promise<number> {
  return models.AdminKey.count({ where: { revokedAt: null } })
}
