import pg from 'pg'
import { externalIdOf, idSql } from '../bench/person.ts'
import { populateUsher } from '../bench/population.ts'
import type { SharedScene } from './scene.ts'

/** In each of them every twentieth person. */
const UNITS = 20

const groups = `
  insert into groups (organization_id, id, connection_id, display_name, attributes, created_at, updated_at)
  select $1, ${idSql('group', 'g')}, $2, case g when 0 then 'Leads' when 21 then 'Division' else 'Unit-' || g end,
    '{}', now(), now()
  from generate_series(0, ${UNITS} + 1) g`

const units = `
  insert into group_members (organization_id, group_id, user_id)
  select $1, ${idSql('group', `(1 + n % ${UNITS})`)}, ${idSql('user')} from generate_series(1, $2::integer) n`

const leads = `
  insert into group_members (organization_id, group_id, user_id)
  select $1, ${idSql('group', '0')}, ${idSql('user')} from generate_series(10, $2::integer, 10) n`

const division = `
  insert into group_subgroups (organization_id, group_id, subgroup_id)
  select $1, ${idSql('group', '21')}, ${idSql('group', 'g')} from generate_series(1, 10) g`

/**
 * So many people as they were pushed long ago, in the groups Unit-1 to Unit-20; every tenth is in Leads, and the first
 * ten units are in Division.
 */
export async function makeCompany(
  { config, organizationId, connectionId, issuer, introduce }: SharedScene,
  people: number,
): Promise<void> {
  const client = new pg.Client(config)
  await client.connect()
  try {
    await populateUsher(client, { organizationId, connectionId, issuer }, [1, people])
    await client.query(groups, [organizationId, connectionId])
    for (const statement of [units, leads]) await client.query(statement, [organizationId, people])
    await client.query(division, [organizationId])
    await client.query('vacuum (analyze)')
  } finally {
    await client.end()
  }
  for (const n of signers(people)) introduce({ sub: externalIdOf(n) })
}

/** The numbers of those of them whom the provider knows. */
export const signers = (people: number): number[] =>
  Array.from({ length: Math.min(20, people) }, (_, index) => people - index)
