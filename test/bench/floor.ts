import Fastify from 'fastify'
import pg from 'pg'
import { newId } from '../../src/ids.ts'

// The floors: the least that a service on the same Fastify and the same PostgreSQL would do, through bare pg.
// A process of its own; PORT and DATABASE_URL say where, FLOOR_NAMED=1 prepares the statements.

const { PORT, DATABASE_URL, FLOOR_NAMED } = process.env
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 16, idleTimeoutMillis: 30_000 })
const app = Fastify({ logger: false })

interface Keyed {
  readonly id: string
}
interface Paged {
  readonly offset: number
}
interface Person {
  readonly userName: string
}

const statement = (name: string, text: string) => (FLOOR_NAMED === '1' ? { name, text } : { text })

const select = statement('user', 'select doc from users where id = $1')
const insertUser = statement('insert_user', 'insert into users (id, user_name, doc) values ($1, $2, $3)')
const insertEvent = statement(
  'insert_event',
  'insert into events (id, user_id, type, at, data) values ($1, $2, $3, $4, $5)',
)
const insertBoth = statement(
  'insert_both',
  `with made as (insert into users (id, user_name, doc) values ($1, $2, $3))
   insert into events (id, user_id, type, at, data) values ($4, $1, $5, $6, $7)`,
)
const page = statement('page', 'select doc from users order by id limit 100 offset $1')
const count = statement('count', 'select count(*)::integer as total from users')
const firstPage = statement('first_page', 'select doc from users where id > $1 order by id limit 100')
const insertMembers = statement(
  'insert_members',
  `insert into members (group_id, user_id) select $1, unnest($2::uuid[])`,
)

/** The row of the user, that of the event, and what is answered. */
function made(body: Person) {
  const id = newId()
  const now = new Date().toISOString()
  const doc = { ...body, id, meta: { resourceType: 'User', created: now, lastModified: now, version: 1 } }
  const event = [newId(), 'user.created', now, { via: 'scim', userName: body.userName }]
  return { id, user: [id, body.userName, JSON.stringify(doc)], event, doc }
}

app.get<{ Params: Keyed }>('/users/:id', async (request, reply) => {
  const { rows } = await pool.query<{ doc: object }>({ ...select, values: [request.params.id] })
  return rows[0]?.doc ?? reply.code(404).send({})
})

app.post<{ Body: Person }>('/users', async (request, reply) => {
  const { id, user, event, doc } = made(request.body)
  const [eventId, ...rest] = event
  const client = await pool.connect()
  try {
    await client.query('begin')
    await client.query({ ...insertUser, values: user })
    await client.query({ ...insertEvent, values: [eventId, id, ...rest] })
    await client.query('commit')
  } finally {
    client.release()
  }
  return reply.code(201).send(doc)
})

app.post<{ Body: Person }>('/users-cte', async (request, reply) => {
  const { user, event, doc } = made(request.body)
  await pool.query({ ...insertBoth, values: [...user, ...event] })
  return reply.code(201).send(doc)
})

app.get<{ Querystring: Paged }>('/page', async (request) => {
  const { rows } = await pool.query<{ doc: object }>({ ...page, values: [request.query.offset] })
  const counted = await pool.query<{ total: number }>(count)
  return { total: counted.rows[0]?.total, resources: rows.map(({ doc }) => doc) }
})

app.get<{ Params: Keyed }>('/page-by-key/:id', async (request) => {
  const { rows } = await pool.query<{ doc: object }>({ ...firstPage, values: [request.params.id] })
  return { resources: rows.map(({ doc }) => doc) }
})

app.post<{ Body: { group: string; members: string[] } }>('/members', async (request, reply) => {
  const { group, members } = request.body
  await pool.query({ ...insertMembers, values: [group, members] })
  return reply.code(204).send()
})

await app.listen({ host: '127.0.0.1', port: Number(PORT) })
process.stdout.write('ready: floor\n')
process.once('SIGTERM', () => process.exit(0))
