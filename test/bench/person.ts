// The person of number `n`, the same in requests and in populations that SQL writes: `#` stands for the number.

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

const work = { type: 'work', primary: true }

/** An enterprise user of 1.5 kB. */
const template = {
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:User', ENTERPRISE],
  userName: 'person.#@bench.example',
  externalId: 'external-#',
  name: {
    formatted: 'Ms. Barbara Jane Jensen the #th, III',
    familyName: 'Jensen',
    givenName: 'Barbara',
    middleName: 'Jane',
    honorificPrefix: 'Ms.',
    honorificSuffix: 'III',
  },
  displayName: 'Barbara Jensen #',
  nickName: 'Babs',
  profileUrl: 'https://login.bench.example/people/person.#',
  title: 'Vice President, Tour Operations',
  userType: 'Employee',
  preferredLanguage: 'en-US',
  locale: 'en-US',
  timezone: 'America/Los_Angeles',
  active: true,
  emails: [
    { value: 'person.#@bench.example', ...work },
    { value: 'babs.#@home.example', type: 'home' },
  ],
  phoneNumbers: [
    { value: '+1 555 0100 #', type: 'work' },
    { value: '+1 555 0101 #', type: 'mobile' },
  ],
  addresses: [
    {
      streetAddress: '100 Universal City Plaza, Building #',
      locality: 'Hollywood',
      region: 'CA',
      postalCode: '91608',
      country: 'US',
      formatted: '100 Universal City Plaza\nHollywood, CA 91608 USA',
      ...work,
    },
  ],
  roles: [{ value: 'operator', display: 'Operator of tours', ...work }],
  [ENTERPRISE]: {
    employeeNumber: '#',
    costCenter: '4130',
    organization: 'Universal Studios',
    division: 'Theme Park',
    department: 'Tour Operations',
  },
}

const { schemas: _schemas, userName, externalId, active: _active, ...attributes } = template

/** As SQL fills them in: `replace(<template>, '#', n::text)`. */
export const templates = {
  resource: JSON.stringify(template),
  userName,
  externalId,
  attributes: JSON.stringify(attributes),
}

const numbered = (text: string, n: number | string) => text.replaceAll('#', String(n))

/** The body of a create. */
export const personBody = (n: number | string): string => numbered(templates.resource, n)

export const userNameOf = (n: number): string => numbered(userName, n)
export const externalIdOf = (n: number): string => numbered(externalId, n)
export const workEmailOf = (n: number): string => numbered(template.emails[0]?.value ?? '', n)

export type Kind =
  | 'user'
  | 'workspace'
  | 'created'
  | 'provisioned'
  | 'session'
  | 'identity'
  | 'group'
  | 'other'

const kinds: readonly Kind[] = [
  'user',
  'workspace',
  'created',
  'provisioned',
  'session',
  'identity',
  'group',
  'other',
]

/** Ids as UUIDv7 gives them out, in order of the numbers. */
const prefixOf = (kind: Kind) => `0190000${kinds.indexOf(kind)}-0000-7000-8000-`

export const idOf = (kind: Kind, n: number): string => `${prefixOf(kind)}${n.toString(16).padStart(12, '0')}`

/** The same in SQL, of the number `n`. */
export const idSql = (kind: Kind, n = 'n'): string =>
  `('${prefixOf(kind)}' || lpad(to_hex(${n}), 12, '0'))::uuid`

export const sessionSecretOf = (n: number): string => `a-secret-of-256-bits-for-the-session-${n}`
export const sessionSecretSql = `'a-secret-of-256-bits-for-the-session-' || n`
