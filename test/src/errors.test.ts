import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { Problem, problemBody, problemCodes, problemOf } from '../../src/errors.ts'
import { toScimError } from '../../src/gateway/scim-errors.ts'

t.test('a problem says its code, its status and what it was given to say', async (t) => {
  const errors = [{ path: 'body/name', message: 'is missing' }]
  const problem = new Problem('unavailable', 'Later.', { retryAfter: 2, errors, extensions: { of: 'x' } })
  t.same(problemBody(problem), {
    title: 'Service Unavailable',
    status: 503,
    code: 'unavailable',
    detail: 'Later.',
    retryAfter: 2,
    errors,
    of: 'x',
  })
})

t.test('its cause stays inside', async (t) => {
  const cause = new Error('password=hunter2')
  const problem = new Problem('conflict', 'That name is taken.', { cause })
  t.equal(problem.cause, cause)
  t.notMatch(JSON.stringify(problemBody(problem)), 'hunter2')
})

t.test('an extension never takes the place of what is said of every problem', async (t) => {
  t.match(problemBody(new Problem('conflict', 'x', { extensions: { status: 200 } })), { status: 409 })
})

const foreign: { name: string; error: unknown; body: object }[] = [
  { name: 'an error', error: new Error('secret'), body: { status: 500, code: 'internal' } },
  { name: 'a thrown text', error: 'secret', body: { status: 500, code: 'internal' } },
  { name: 'nothing', error: undefined, body: { status: 500, code: 'internal' } },
  {
    name: 'a status of success',
    error: Object.assign(new Error('secret'), { statusCode: 200 }),
    body: { status: 500, code: 'internal' },
  },
  {
    name: 'a refusal by another library',
    error: Object.assign(new Error('secret'), { statusCode: 429 }),
    body: { status: 429, code: 'too_many_requests' },
  },
  {
    name: 'a refusal of a kind we have no code for',
    error: Object.assign(new Error('secret'), { statusCode: 418 }),
    body: { status: 400, code: 'invalid_request' },
  },
  {
    name: 'a failure of another library',
    error: Object.assign(new Error('secret'), { statusCode: 502, code: 'FST_ERR_X' }),
    body: { status: 500, code: 'internal' },
  },
]

t.test('the text of a foreign error is not shown', async (t) => {
  for (const { name, error, body } of foreign) {
    t.match(problemBody(error), body, name)
    t.notMatch(JSON.stringify(problemBody(error)), 'secret', name)
    t.equal(problemOf(error).cause, error, name)
  }
})

t.test('a refusal by the web framework keeps its sentence', async (t) => {
  const error = Object.assign(new Error('Request body is too large'), {
    statusCode: 413,
    code: 'FST_ERR_CTP_BODY_TOO_LARGE',
  })
  t.match(problemBody(error), { code: 'payload_too_large', detail: 'Request body is too large' })
})

t.test('the contract names every code, and no other', async (t) => {
  const { components } = parse(readFileSync('openapi.yaml', 'utf8'))
  t.same(components.schemas.Problem.properties.code.enum.toSorted(), problemCodes.toSorted())
})

t.test('what the domain cannot do now is 503 to a SCIM client, and what it forbids 403', async (t) => {
  const later = new Problem('unavailable', 'Come again.', { retryAfter: 1 })
  t.match(toScimError(later), { status: 503, message: 'Come again.', headers: { 'retry-after': '1' } })
  t.match(toScimError(new Problem('forbidden', 'No.')), { status: 403, message: 'No.' })
  const tooLong = toScimError(Object.assign(new Error('index row size'), { code: '54000' }))
  t.match(tooLong, { status: 400, scimType: 'invalidValue', message: /too long/ })
  t.equal(toScimError(new Error('nobody foresaw this')), undefined)
})
