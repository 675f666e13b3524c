import { query } from './connect.ts'
import { type NewEvent, recording, written } from './events.ts'
import type { Scope } from './scope.ts'

/** A sign-in that an administrator asked somebody to try. */
export interface ConnectionTestRow {
  readonly id: string
  readonly created_at: Date
  /** Until when it may be begun. */
  readonly expires_at: Date
  readonly opened_at: Date | null
  readonly finished_at: Date | null
  readonly report: Readonly<Record<string, unknown>> | null
}

export interface NewConnectionTest {
  readonly id: string
  readonly connectionId: string
  readonly tokenHash: Buffer
  readonly expiresAt: Date
  /** When it is forgotten, with what was found out about whoever tried it. */
  readonly keptUntil: Date
}

const insert = {
  name: 'insert_connection_test',
  text: `
  with made as (
    insert into connection_tests (organization_id, id, connection_id, token_hash, created_at, expires_at, kept_until)
    values ($1, $6, $7, $8, $2, $9, $10) returning id
  ), ${recording('made')}
  select id from made`,
}

export async function createConnectionTest(
  scope: Scope,
  { id, connectionId, tokenHash, expiresAt, keptUntil }: NewConnectionTest,
  events: readonly NewEvent[],
): Promise<void> {
  const own = [id, connectionId, tokenHash, expiresAt, keptUntil]
  await query(scope.db, insert, [...written(scope, events), ...own])
}

const open = {
  name: 'open_connection_test',
  text: `update connection_tests set opened_at = $4
         where organization_id = $1 and connection_id = $2 and token_hash = $3 and opened_at is null
           and expires_at > $4
         returning id`,
}

/** The id of the test, the first time. */
export async function openConnectionTest(
  { db, organizationId, now }: Scope,
  { connectionId, tokenHash }: Pick<NewConnectionTest, 'connectionId' | 'tokenHash'>,
): Promise<string | null> {
  const rows = await query<{ id: string }>(db, open, [organizationId, connectionId, tokenHash, now])
  return rows[0]?.id ?? null
}

const waits = {
  name: 'is_connection_test_waiting',
  text: `select from connection_tests
         where organization_id = $1 and connection_id = $2 and token_hash = $3 and opened_at is null
           and expires_at > $4`,
}

/** Whether it could be opened now. */
export async function isConnectionTestWaiting(
  { db, organizationId, now }: Scope,
  { connectionId, tokenHash }: Pick<NewConnectionTest, 'connectionId' | 'tokenHash'>,
): Promise<boolean> {
  return (await query(db, waits, [organizationId, connectionId, tokenHash, now])).length === 1
}

const finish = {
  name: 'finish_connection_test',
  text: `update connection_tests set finished_at = $3, report = $4
         where organization_id = $1 and id = $2 and finished_at is null and kept_until > $3`,
}

export async function finishConnectionTest(
  { db, organizationId, now }: Scope,
  id: string,
  report: object,
): Promise<void> {
  await query(db, finish, [organizationId, id, now, JSON.stringify(report)])
}

const find = {
  name: 'connection_test',
  text: `select id, created_at, expires_at, opened_at, finished_at, report from connection_tests
         where organization_id = $1 and connection_id = $2 and id = $3 and kept_until > $4`,
}

export async function findConnectionTest(
  { db, organizationId, now }: Scope,
  connectionId: string,
  id: string,
): Promise<ConnectionTestRow | null> {
  return (await query<ConnectionTestRow>(db, find, [organizationId, connectionId, id, now]))[0] ?? null
}

const isTried = {
  name: 'is_test_under_way',
  text: `select from sign_in_transactions
         where organization_id = $1 and state_hash = $2 and connection_id = $3 and expires_at > $4
           and test_id is not null`,
}

/** Whether the sign-in of this state is a test that is not yet over. */
export async function isTestUnderWay(
  { db, organizationId, now }: Scope,
  { connectionId, stateHash }: { readonly connectionId: string; readonly stateHash: Buffer },
): Promise<boolean> {
  return (await query(db, isTried, [organizationId, stateHash, connectionId, now])).length === 1
}
