import type pg from 'pg'
import { idOf, idSql } from './person.ts'
import { populateUsher, settle, type Tenant } from './population.ts'

/** How many groups of a size there are: so many that those who come do not change the size. */
const COUNTS: Readonly<Record<number, number>> = { 10: 500, 1000: 20, 10000: 2, 100000: 1 }

export const SIZES: readonly number[] = Object.keys(COUNTS).map(Number)

/** People who are in no group when a round begins. */
const OUTSIDERS = 50_000

const firstOf = (size: number): number =>
  SIZES.filter((smaller) => smaller < size).reduce((sum, smaller) => sum + (COUNTS[smaller] ?? 0), 1)

export const groupOf = (size: number, n: number): string =>
  idOf('group', firstOf(size) + (n % (COUNTS[size] ?? 1)))

const groups = `
  insert into groups (organization_id, id, connection_id, display_name, attributes, created_at, updated_at)
  select $1, ${idSql('group')}, $2, 'Group ' || n, '{}', now(), now() from generate_series($3::integer, $4::integer) n`

const members = `
  insert into group_members (organization_id, group_id, user_id)
  select $1, ${idSql('group')}, ${idSql('user', 'm')}
  from generate_series($2::integer, $3::integer) n, generate_series(1, $4::integer) m`

/** Groups of every size that the people suffice for, and the outsiders. */
export async function populateGroups(client: pg.Client, tenant: Tenant, people: number): Promise<void> {
  const { organizationId, connectionId } = tenant
  await populateUsher(client, tenant, [people + 1, people + OUTSIDERS])
  await client.query("set session_replication_role = 'replica'")
  for (const size of SIZES.filter((size) => size <= people)) {
    const numbers = [firstOf(size), firstOf(size) + (COUNTS[size] ?? 0) - 1]
    await client.query(groups, [organizationId, connectionId, ...numbers])
    await client.query(members, [organizationId, ...numbers, size])
  }
  await client.query("set session_replication_role = 'origin'")
  await settle(client)
}

/** The same rows where the floor inserts its own. */
export async function populateFloorGroups(client: pg.Client, people: number): Promise<void> {
  for (const size of SIZES.filter((size) => size <= people))
    await client.query(
      `insert into members (group_id, user_id) select ${idSql('group')}, ${idSql('user', 'm')}
       from generate_series($1::integer, $2::integer) n, generate_series(1, $3::integer) m`,
      [firstOf(size), firstOf(size) + (COUNTS[size] ?? 0) - 1, size],
    )
  await settle(client)
}

/** Takes out who came in a round. */
export async function takeOut(
  { usher, floor }: { usher: pg.Client; floor: pg.Client },
  people: number,
): Promise<void> {
  const outsider = idOf('user', people)
  await usher.query('delete from group_members where user_id > $1', [outsider])
  await floor.query('delete from members where user_id > $1', [outsider])
  await usher.query('vacuum (analyze) group_members')
  await floor.query('vacuum (analyze) members')
}

/** Who comes next, `many` at a time: everybody once a round, which ends when all have come. */
export function outsiders(people: number, n: number, many: number): string[] | undefined {
  if ((n + 1) * many > OUTSIDERS) return undefined
  return Array.from({ length: many }, (_, index) => idOf('user', people + 1 + n * many + index))
}
