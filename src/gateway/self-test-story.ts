import { randomUUID } from 'node:crypto'
import type { Profile } from '../../scim/index.ts'

/** One request of the test, and whether it was answered as an identity provider needs it. */
export interface Step {
  readonly name: string
  readonly request: string
  readonly expected: string
  readonly answered: string
  readonly ok: boolean
}

export interface Request {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly body?: object
}

export interface Answer {
  readonly status: number
  /** An empty object where there is none. */
  readonly body: Body
}

interface Body {
  readonly id?: string
  readonly detail?: string
  readonly scimType?: string
  readonly totalResults?: number
  readonly active?: boolean
  readonly title?: string
  readonly members?: readonly { readonly value: string }[]
}

type Ask = (request: Request) => Promise<Answer>
type Expectation = readonly [expected: string, holds: (answer: Answer) => boolean]
type Try = (name: string, request: Request, expectation: Expectation) => Promise<Body>

const URN = 'urn:ietf:params:scim:schemas:core:2.0'
const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'
const patchOf = (...operations: object[]) => ({ schemas: [PATCH_OP], Operations: operations })

/** What an identity provider does with a person and a group, from the first match to the last look. */
export async function playProvider(ask: Ask, profile: Profile): Promise<Step[]> {
  const steps: Step[] = []
  const attempt: Try = async (name, request, [expected, holds]) => {
    const answer = await ask(request)
    const { status, body } = answer
    const answered = [status, body.scimType, body.detail].filter(Boolean).join(' ')
    steps.push({ name, request: `${request.method} ${request.path}`, expected, answered, ok: holds(answer) })
    return body
  }
  const id = await arrive(attempt)
  if (!id) return steps
  await change(attempt, id)
  await group(attempt, id)
  await leave(attempt, { id, profile })
  return steps
}

async function arrive(attempt: Try): Promise<string | undefined> {
  const userName = `usher-self-test-${randomUUID()}@self-test.invalid`
  const name = { givenName: 'Self', familyName: 'Test' }
  const body = { schemas: [`${URN}:User`], userName, externalId: userName, active: true, name }
  const create = { method: 'POST', path: '/Users', body } as const
  const filter = encodeURIComponent(`userName eq "${userName}"`)
  const match = { method: 'GET', path: `/Users?filter=${filter}` } as const
  await attempt('match nobody', match, ['200 and no result', found(0)])
  const { id } = await attempt('create a person', create, ['201', is(201)])
  if (!id) return undefined
  await attempt('match the person', match, ['200 and one result', found(1)])
  await attempt('create the person again', create, [
    '409 uniqueness',
    (answer) => answer.status === 409 && answer.body.scimType === 'uniqueness',
  ])
  return id
}

async function change(attempt: Try, id: string): Promise<void> {
  const body = patchOf({ op: 'replace', path: 'title', value: 'Tested' })
  await attempt('change the person', { method: 'PATCH', path: `/Users/${id}`, body }, [
    '200 and the title',
    (answer) => answer.status === 200 && answer.body.title === 'Tested',
  ])
}

async function group(attempt: Try, personId: string): Promise<void> {
  const made = { schemas: [`${URN}:Group`], displayName: `usher-self-test-${randomUUID()}` }
  const { id } = await attempt('create a group', { method: 'POST', path: '/Groups', body: made }, [
    '201',
    is(201),
  ])
  if (!id) return
  const path = `/Groups/${id}`
  const joining = patchOf({ op: 'add', path: 'members', value: [{ value: personId }] })
  const leaving = patchOf({ op: 'remove', path: `members[value eq "${personId}"]` })
  await attempt('add the person to the group', { method: 'PATCH', path, body: joining }, ['204', is(204)])
  await attempt('read the group', { method: 'GET', path }, [
    '200 and the person in it',
    (answer) => answer.status === 200 && answer.body.members?.[0]?.value === personId,
  ])
  await attempt('take the person out', { method: 'PATCH', path, body: leaving }, ['204', is(204)])
  await attempt('delete the group', { method: 'DELETE', path }, ['204', is(204)])
}

async function leave(attempt: Try, { id, profile }: { id: string; profile: Profile }): Promise<void> {
  const path = `/Users/${id}`
  // as Entra says it, where that is tolerated
  const value = profile === 'lenient' ? 'False' : false
  const body = patchOf({ op: 'replace', path: 'active', value })
  await attempt('deactivate the person', { method: 'PATCH', path, body }, [
    '200 and inactive',
    (answer) => answer.status === 200 && answer.body.active === false,
  ])
  await attempt('delete the person', { method: 'DELETE', path }, ['204', is(204)])
  await attempt('find the person gone', { method: 'GET', path }, ['404', is(404)])
}

const is =
  (expected: number) =>
  ({ status }: Answer): boolean =>
    status === expected

const found =
  (results: number) =>
  ({ status, body }: Answer): boolean =>
    status === 200 && body.totalResults === results
