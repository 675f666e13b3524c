import { randomBytes, randomUUID } from 'node:crypto'
import t from 'tap'
import { workOnce } from '../../src/worker.ts'
import type { Connection } from './api.ts'
import { holdOnEachLayout } from './layouts.ts'
import type { Usher } from './usher.ts'

const HOUR = 3_600_000
const tables = [
  ...['sessions', 'sign_in_transactions', 'connection_tests', 'sign_outs', 'spent_tokens'],
  ...['scim_assertions', 'scim_credentials'],
]

/** One of each that ends in an hour, and whoever has no end. */
async function fill(usher: Usher, connection: Connection, now: Date): Promise<void> {
  const { organizationId, id } = connection
  const end = new Date(now.getTime() + HOUR)
  await usher.signIn(connection, { sub: 'ada' })
  await usher.rows('update sessions set idle_at = $2 where organization_id = $1', [organizationId, end])
  const client = (await usher.admin('POST', `${connection.path}/scim-clients`, {})).body.id
  const at = [organizationId, id, end]
  for (const [table, columns, values] of [
    ['sign_outs', 'login_hash, at', [randomBytes(32), now]],
    ['spent_tokens', 'jti_hash', [randomBytes(32)]],
    [
      'scim_credentials',
      'id, client_id, secret_hash, created_at',
      [randomUUID(), client, randomBytes(32), now],
    ],
    [
      'sign_in_transactions',
      'state_hash, browser_hash, nonce, code_verifier, return_to, issuer',
      [randomBytes(32), randomBytes(32), 'n', 'v', '/', 'i'],
    ],
  ] as const)
    await usher.rows(
      `insert into ${table} (organization_id, connection_id, expires_at, ${columns})
       values ($1, $2, $3, ${values.map((_, index) => `$${index + 4}`)})`,
      [...at, ...values],
    )
  await usher.rows('insert into scim_assertions values ($1, $2, $3, $4)', [
    organizationId,
    client,
    randomBytes(32),
    end,
  ])
  await usher.rows(
    `insert into connection_tests (organization_id, connection_id, kept_until, expires_at, created_at, id, token_hash)
     values ($1, $2, $3, $3, $3, $4, $5)`,
    [...at, randomUUID(), randomBytes(32)],
  )
}

async function countsOf(usher: Usher, { organizationId }: Connection): Promise<Record<string, unknown>> {
  const counts = tables.map(
    (table) => `(select count(*)::int from ${table} where organization_id = $1) as ${table}`,
  )
  return (await usher.rows(`select ${counts}`, [organizationId]))[0] ?? {}
}

const all = (count: number) => Object.fromEntries(tables.map((table) => [table, count]))

let rounds = 0
const round = ({ db }: Usher, now: Date) =>
  workOnce(
    { db, resolveTxt: async () => [], log: { warn: () => {} }, clock: () => now },
    `worker ${++rounds}`,
    new AbortController().signal,
  )

holdOnEachLayout(t, {
  'what has expired is removed, of every organization, and nothing else is': async (t, usher) => {
    const now = new Date()
    const oidc = { issuer: 'https://idp.example', clientId: 'c' }
    const make = async () => usher.makeConnection(await usher.makeOrganization(), { oidc, scim: {} })
    const [old, older, young] = [await make(), await make(), await make()]
    for (const connection of [old, older]) await fill(usher, connection, now)
    await fill(usher, young, new Date(now.getTime() + HOUR))
    const { token } = await usher.makeCredential(old, {
      expiresAt: new Date(now.getTime() + HOUR / 2).toISOString(),
    })
    t.ok(token)
    t.same(await countsOf(usher, older), all(1))
    await round(usher, new Date(now.getTime() + 10 * 60_000))
    t.same(await countsOf(usher, older), all(1), 'not before its end')
    const events = await usher.rows('select count(*)::int from events')

    await round(usher, new Date(now.getTime() + HOUR))
    t.same(await countsOf(usher, old), { ...all(0), scim_credentials: 1 }, 'but for what administrators gave')
    t.same(await countsOf(usher, older), all(0))
    t.same(await countsOf(usher, young), all(1))
    t.same(await usher.rows('select count(*)::int from events'), events, 'which is no event')
  },

  'however much it is': async (t, usher) => {
    const connection = await usher.makeConnection(await usher.makeOrganization(), {
      oidc: { issuer: 'https://idp.example', clientId: 'c' },
    })
    await usher.rows(
      `insert into spent_tokens select $1, $2, decode(md5(n::text), 'hex'), now() from generate_series(1, 2500) n`,
      [connection.organizationId, connection.id],
    )
    await round(usher, new Date(Date.now() + 24 * HOUR))
    t.match(await countsOf(usher, connection), { spent_tokens: 0 })
  },
})
