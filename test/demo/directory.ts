import { equal } from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { Answer, Ask } from '../src/api.ts'
import type { Employee } from './people.ts'

/** Pushes as Entra does: it looks before it creates, makes groups empty, and speaks of `active` as a text. */
export interface Directory {
  /** Whom nobody has: the answer must be an empty list, not an error. */
  testConnection(): Promise<void>
  /** The id that the person has got. */
  pushUser(person: Employee): Promise<string>
  pushGroup(displayName: string, members: readonly string[]): Promise<void>
  deactivate(userId: string): Promise<void>
}

const CORE = 'urn:ietf:params:scim:schemas:core:2.0'
const ENTRA_GROUP = 'http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group'

export function directory(scim: Ask): Directory {
  const patch = async (path: string, operation: object): Promise<Answer> =>
    scim('PATCH', path, {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
      Operations: [operation],
    })
  const expectNobody = async (path: string) => {
    const { body } = expected(await scim('GET', path), 200)
    equal(body.totalResults, 0, `somebody is there already: GET ${path}`)
  }
  return {
    testConnection: () => expectNobody(`/Users?filter=${where('userName', randomUUID())}`),
    pushUser: async (person) => {
      await expectNobody(`/Users?filter=${where('externalId', person.oid)}`)
      return expected(await scim('POST', '/Users', userOf(person)), 201).body.id
    },
    pushGroup: async (displayName, members) => {
      await expectNobody(`/Groups?excludedAttributes=members&filter=${where('displayName', displayName)}`)
      const group = { schemas: [`${CORE}:Group`, ENTRA_GROUP], externalId: randomUUID(), displayName }
      const { id } = expected(await scim('POST', '/Groups', group), 201).body
      const value = members.map((member) => ({ $ref: null, value: member }))
      expected(await patch(`/Groups/${id}`, { op: 'Add', path: 'members', value }), 204)
    },
    deactivate: async (userId) => {
      expected(await patch(`/Users/${userId}`, { op: 'Replace', path: 'active', value: 'False' }), 200)
    },
  }
}

const where = (attribute: string, value: string) => encodeURIComponent(`${attribute} eq "${value}"`)

function userOf({
  oid,
  preferred_username: userName,
  name,
  given_name,
  family_name,
  email,
}: Employee): object {
  return {
    schemas: [`${CORE}:User`, 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'],
    externalId: oid,
    userName,
    active: true,
    displayName: name,
    emails: [{ primary: true, type: 'work', value: email }],
    meta: { resourceType: 'User' },
    name: { formatted: name, familyName: family_name, givenName: given_name },
  }
}

/** The answer, where it has the status that it must have. */
export function expected(answer: Answer, status: number): Answer {
  equal(answer.status, status, `answered ${answer.status}, not ${status}: ${answer.text}`)
  return answer
}
