import { join } from 'node:path'
import fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import { type Handler, jsonBodies, loadContract, operationRoutes } from '../../src/contract.ts'
import { problemBody } from '../../src/errors.ts'

const yaml = `
openapi: 3.1.0
info: { title: test, version: '1' }
security: [{ adminKey: [] }]
paths:
  /admin/v1/things:
    get:
      operationId: listThings
      tags: [things]
      parameters:
        - $ref: '#/components/parameters/Limit'
        - { name: tag, in: query, schema: { type: array, items: { type: string } } }
    post:
      operationId: createThing
      tags: [things]
      requestBody:
        required: true
        content: { application/json: { schema: { $ref: '#/components/schemas/Thing' } } }
  /admin/v1/things/{thingId}:
    parameters:
      - { name: thingId, in: path, required: true, schema: { $ref: '#/components/schemas/Id' } }
    get: { operationId: getThing, tags: [things], security: [{ session: [] }, {}] }
    put:
      operationId: touchThing
      tags: [other]
      requestBody:
        content:
          application/json:
            schema: { type: object, properties: { at: { type: string } }, additionalProperties: false }
  /scim/v2/Users:
    post: { operationId: createScimUser, requestBody: { content: { application/scim+json: { schema: {} } } } }
components:
  parameters:
    Limit: { name: limit, in: query, schema: { $ref: '#/components/schemas/Count' } }
  schemas:
    Count: { type: integer, minimum: 1, maximum: 100, default: 20, example: 5 }
    Id: { type: string, format: uuid }
    Thing:
      type: object
      required: [name]
      additionalProperties: false
      properties:
        name: { type: string, minLength: 1 }
        size: { type: integer }
        kind: { enum: [a, b], default: a }
        part: { $ref: '#/components/schemas/Part' }
    Part:
      type: object
      required: [id]
      properties: { id: { $ref: '#/components/schemas/Id' } }
`

const id = '0190aa3c-5d1c-7a39-9d3f-2f6a1c0b7e11'
const things: Record<string, Handler> = {
  listThings: (request) => request.query,
  createThing: (request) => request.body,
  getThing: (request) => request.params,
}

const contract = loadContract(join(t.testdir({ 'openapi.yaml': yaml }), 'openapi.yaml'))

function build(t: { teardown(close: () => Promise<void>): void }): FastifyInstance {
  const app = fastify()
  t.teardown(() => app.close())
  app.setErrorHandler((error, _request, reply) => {
    const body = problemBody(error)
    return reply.code(Number(body.status)).type('application/problem+json').send(body)
  })
  jsonBodies(app, JSON.parse)
  operationRoutes(app, contract, { tag: 'things', handlers: things })
  operationRoutes(app, contract, { tag: 'other', handlers: { touchThing: (request) => request.body } })
  return app
}

t.test('the operations of a contract are listed with what protects them', async (t) => {
  t.match(
    contract.operations.map(({ method, path, operationId, security }) => [
      method,
      path,
      operationId,
      security,
    ]),
    [
      ['get', '/admin/v1/things', 'listThings', [{ adminKey: [] }]],
      ['post', '/admin/v1/things', 'createThing', [{ adminKey: [] }]],
      ['get', '/admin/v1/things/{thingId}', 'getThing', [{ session: [] }, {}]],
      ['put', '/admin/v1/things/{thingId}', 'touchThing', [{ adminKey: [] }]],
      ['post', '/scim/v2/Users', 'createScimUser', [{ adminKey: [] }]],
    ],
  )
})

t.test('a route knows its operation', async (t) => {
  const app = build(t)
  const seen: unknown[] = []
  app.addHook(
    'onRequest',
    async (request) => void seen.push(request.routeOptions.config.operation?.operationId),
  )
  await app.inject(`/admin/v1/things/${id}`)
  t.same(seen, ['getThing'])
})

t.test('parameters are read as what the contract says, with its defaults', async (t) => {
  const app = build(t)
  t.same((await app.inject('/admin/v1/things')).json(), { limit: 20 })
  t.same((await app.inject('/admin/v1/things?limit=7&tag=x')).json(), { limit: 7, tag: ['x'] })
})

t.test('bodies are taken as they are, with defaults for what is absent', async (t) => {
  const app = build(t)
  const payload = { name: 'n', part: { id, more: true } }
  const answer = await app.inject({ method: 'POST', url: '/admin/v1/things', payload })
  t.same(answer.json(), { ...payload, kind: 'a' })
})

t.test('a body that may be absent is then empty, and may not be null', async (t) => {
  const put = { method: 'PUT', url: `/admin/v1/things/${id}` } as const
  const app = build(t)
  t.same((await app.inject(put)).json(), {})
  t.same((await app.inject({ ...put, headers: { 'content-type': 'application/json' } })).json(), {})
  const json = { 'content-type': 'application/json; charset=utf-8' }
  t.equal((await app.inject({ ...put, headers: json, payload: '{"at":"x"}' })).json().at, 'x')
})

const refused: { name: string; url?: string; payload?: unknown; path: string; message: RegExp }[] = [
  { name: 'a parameter out of range', url: '/admin/v1/things?limit=0', path: 'query/limit', message: />= 1/ },
  { name: 'a number that is none', url: '/admin/v1/things?limit=x', path: 'query/limit', message: /integer/ },
  {
    name: 'a parameter twice',
    url: '/admin/v1/things?limit=1&limit=2',
    path: 'query/limit',
    message: /integer/,
  },
  {
    name: 'an unknown parameter',
    url: '/admin/v1/things?limti=1',
    path: 'query/limti',
    message: /is not known/,
  },
  { name: 'an id of another form', url: '/admin/v1/things/7', path: 'path/thingId', message: /uuid/ },
  { name: 'a missing member', payload: {}, path: 'body/name', message: /is missing/ },
  { name: 'an unknown member', payload: { name: 'n', x: 1 }, path: 'body/x', message: /is not known/ },
  { name: 'a number for text', payload: { name: 5 }, path: 'body/name', message: /must be string/ },
  {
    name: 'text for a number',
    payload: { name: 'n', size: '5' },
    path: 'body/size',
    message: /must be integer/,
  },
  {
    name: 'another choice',
    payload: { name: 'n', kind: 'c' },
    path: 'body/kind',
    message: /one of \["a","b"\]/,
  },
  {
    name: 'a wrong id inside',
    payload: { name: 'n', part: { id: 'x' } },
    path: 'body/part/id',
    message: /uuid/,
  },
  { name: 'a list for an object', payload: [], path: 'body', message: /must be object/ },
]

t.test('what the contract refuses is told by its place', async (t) => {
  const app = build(t)
  for (const { name, url = '/admin/v1/things', payload, path, message } of refused) {
    const answer = await app.inject(payload ? { method: 'POST', url, payload: Object(payload) } : url)
    t.match(
      answer.json(),
      { status: 400, title: 'Bad Request', code: 'invalid_request', errors: [{ path, message }] },
      name,
    )
  }
})

const unread: { name: string; type?: string; payload: string; code: string; status: number }[] = [
  { name: 'text', type: 'text/plain', payload: '{"name":"n"}', code: 'unsupported_media_type', status: 415 },
  { name: 'no type', payload: '{"name":"n"}', code: 'unsupported_media_type', status: 415 },
  { name: 'no JSON', type: 'application/json', payload: '{', code: 'invalid_request', status: 400 },
  { name: 'no body', type: 'application/json', payload: '', code: 'invalid_request', status: 400 },
  { name: 'null', type: 'application/json', payload: 'null', code: 'invalid_request', status: 400 },
  {
    name: 'too much',
    type: 'application/json',
    payload: `"${'x'.repeat(2 ** 20)}"`,
    code: 'payload_too_large',
    status: 413,
  },
]

t.test('a body that cannot be read is refused', async (t) => {
  const app = build(t)
  for (const { name, type, payload, code, status } of unread) {
    const headers = type ? { 'content-type': type } : {}
    const answer = await app.inject({ method: 'POST', url: '/admin/v1/things', headers, payload })
    t.equal(answer.statusCode, status, name)
    t.match(answer.json(), { code, status }, name)
  }
})

t.test('handlers and operations that do not pair fail at the start', async (t) => {
  const app = fastify()
  const { listThings = () => null, ...rest } = things
  t.throws(
    () => operationRoutes(app, contract, { tag: 'things', handlers: rest }),
    /listThings has no handler/,
  )
  t.throws(
    () => operationRoutes(app, contract, { tag: 'other', handlers: { listThings } }),
    /no operation for the handler listThings/,
  )
  t.throws(
    () => operationRoutes(app, contract, { prefix: '/scim', handlers: { createScimUser: listThings } }),
    /not application\/json/,
  )
})

t.test('a schema with a keyword nobody knows fails at the start', async (t) => {
  const file = join(t.testdir({ 'a.yaml': yaml.replace('minLength', 'minLenght') }), 'a.yaml')
  const app = fastify()
  operationRoutes(app, loadContract(file), { tag: 'things', handlers: things })
  await t.rejects(async () => void (await app.ready()), /minLenght/)
})
