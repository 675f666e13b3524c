import type { Test } from 'tap'
import type { Json } from '../../scim/index.ts'
import type { Ask } from './extended.ts'

const CORE = 'urn:ietf:params:scim:schemas:core:2.0:User'
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

/** Filters that find whoever has the value, and those that do not. */
interface Sought {
  readonly value: Json
  readonly found: readonly string[]
  readonly missed: readonly string[]
}

/** Text that is compared in any case. */
const text = (name: string, value: string): Sought => ({
  value,
  found: [
    `${name} eq ${JSON.stringify(value.toUpperCase())}`,
    `${name} sw ${JSON.stringify(value.slice(0, 3))}`,
    `${name} ew ${JSON.stringify(value.slice(-3).toUpperCase())}`,
    `${name} co ${JSON.stringify(value.slice(1, 4))}`,
    `${name} pr`,
    `${name} ge ${JSON.stringify(value)}`,
  ],
  missed: [`${name} eq "${value}x"`, `${name} ne ${JSON.stringify(value)}`, `not (${name} pr)`],
})

/** What is compared as it is written. */
const exact = (name: string, value: string): Sought => ({
  value,
  found: [`${name} eq "${value}"`, `${name} co "${value.slice(1, 5)}"`, `${name} pr`],
  missed: [`${name} eq "${value.toUpperCase()}x"`, `${name} eq "${value.slice(1)}"`],
})

const many = (name: string, [first, ...rest]: [Json, ...Json[]], leaf: string): Sought => ({
  value: [first, ...rest],
  found: [
    `${name} eq "${leaf}"`,
    `${name}.value eq "${leaf}"`,
    `${name} pr`,
    `${name}[value eq "${leaf}" and primary eq true]`,
  ],
  missed: [
    `${name} eq "${leaf}x"`,
    `${name}[value eq "${leaf}" and primary eq false]`,
    `${name}[value eq "${leaf}" and type eq "nothing"]`,
  ],
})

const certificate = Buffer.from('30820243a00302', 'hex').toString('base64')

/** Every attribute of RFC 7643 sections 4.1 and 4.3 that a client may give and read. */
export const userAttributes: { readonly [path: string]: Sought } = {
  userName: text('userName', 'Bjensen@Example.com'),
  externalId: exact('externalId', 'x-701984'),
  displayName: text('displayName', 'Babs Jensen'),
  nickName: text('nickName', 'Babsy'),
  profileUrl: exact('profileUrl', 'https://login.example.com/bjensen'),
  title: text('title', 'Tour Guide'),
  userType: text('userType', 'Employee'),
  preferredLanguage: text('preferredLanguage', 'en-US, de;q=0.5'),
  locale: text('locale', 'en-US'),
  timezone: text('timezone', 'America/Los_Angeles'),
  active: {
    value: true,
    found: ['active eq true', 'active pr'],
    missed: ['active eq false', 'active ne true'],
  },
  name: {
    value: {
      formatted: 'Ms. Barbara J Jensen, III',
      familyName: 'Jensen',
      givenName: 'Barbara',
      middleName: 'Jane',
      honorificPrefix: 'Ms.',
      honorificSuffix: 'III',
    },
    found: [
      'name.formatted co "barbara"',
      'name.familyName eq "JENSEN"',
      'name[givenName eq "barbara" and familyName eq "jensen"]',
      'name.middleName eq "jane"',
      'name.honorificPrefix eq "ms."',
      'name.honorificSuffix pr',
    ],
    missed: ['name.familyName eq "Barbara"', 'name[givenName eq "Barbara" and familyName eq "x"]'],
  },
  emails: many(
    'emails',
    [
      { value: 'bjensen@example.com', type: 'work', primary: true, display: 'work address' },
      { value: 'babs@jensen.org', type: 'home' },
    ],
    'bjensen@example.com',
  ),
  phoneNumbers: many(
    'phoneNumbers',
    [
      { value: 'tel:+1-201-555-0123', type: 'mobile', primary: true },
      { value: '555', type: 'fax' },
    ],
    'tel:+1-201-555-0123',
  ),
  ims: many('ims', [{ value: 'someaimhandle', type: 'aim', primary: true }], 'someaimhandle'),
  photos: many(
    'photos',
    [
      { value: 'https://photos.example.com/F', type: 'photo', primary: true },
      { value: 'https://photos.example.com/T', type: 'thumbnail' },
    ],
    'https://photos.example.com/F',
  ),
  addresses: {
    value: [
      {
        type: 'work',
        streetAddress: '100 Universal City Plaza',
        locality: 'Hollywood',
        region: 'CA',
        postalCode: '91608',
        country: 'US',
        formatted: '100 Universal City Plaza\nHollywood, CA 91608 USA',
        primary: true,
      },
      { type: 'home', streetAddress: '456 Hollywood Blvd', country: 'DE' },
    ],
    found: [
      'addresses.formatted co "plaza\\nholly"',
      'addresses[type eq "work" and country eq "us"]',
      'addresses.locality eq "HOLLYWOOD"',
      'addresses.region eq "ca"',
      'addresses.postalCode sw "916"',
      'addresses[type eq "home"].streetAddress co "blvd"',
      'addresses.primary eq true',
    ],
    missed: ['addresses[type eq "home" and country eq "US"]', 'addresses.country eq "FR"'],
  },
  entitlements: many(
    'entitlements',
    [{ value: 'license.full', type: 'License', display: 'Full', primary: true }],
    'LICENSE.full',
  ),
  roles: many(
    'roles',
    [{ value: 'admin', display: 'Admin', type: 'app', primary: true }, { value: 'reader' }],
    'ADMIN',
  ),
  x509Certificates: {
    value: [{ value: certificate, display: 'one', primary: true }],
    found: [`x509Certificates eq "${certificate}"`, `x509Certificates.value sw "${certificate.slice(0, 4)}"`],
    missed: [`x509Certificates eq "${certificate.toLowerCase()}"`],
  },
  [`${ENTERPRISE}:employeeNumber`]: text(`${ENTERPRISE}:employeeNumber`, '701984'),
  [`${ENTERPRISE}:costCenter`]: text(`${ENTERPRISE}:costCenter`, 'Center 4130'),
  [`${ENTERPRISE}:organization`]: text(`${ENTERPRISE}:organization`, 'Universal Studios'),
  [`${ENTERPRISE}:division`]: text(`${ENTERPRISE}:division`, 'Theme Park'),
  [`${ENTERPRISE}:department`]: text(`${ENTERPRISE}:department`, 'Tour Operations'),
}

/** What each type of a value is refused instead of. */
export const mistyped: { readonly [path: string]: Json } = {
  userName: { value: 'x' },
  displayName: true,
  active: 'perhaps',
  name: 'Barbara',
  emails: [{ value: { a: 1 } }],
  photos: [{ value: ['x'] }],
  addresses: ['somewhere'],
  x509Certificates: [{ value: 'no base64!' }],
  [`${ENTERPRISE}:employeeNumber`]: ['1'],
  [`${ENTERPRISE}:manager`]: { value: {} },
}

function assign(resource: { [name: string]: Json }, path: string, value: Json): void {
  const name = path.startsWith(`${ENTERPRISE}:`) ? path.slice(ENTERPRISE.length + 1) : undefined
  if (name === undefined) resource[path] = value
  else resource[ENTERPRISE] = { ...(resource[ENTERPRISE] as object), [name]: value }
}

const schemas = [CORE, ENTERPRISE]

function at(resource: { readonly [name: string]: unknown }, path: string): unknown {
  if (!path.startsWith(`${ENTERPRISE}:`)) return resource[path]
  return (resource[ENTERPRISE] as { [name: string]: unknown } | undefined)?.[
    path.slice(ENTERPRISE.length + 1)
  ]
}

/** That every attribute comes as it was given, alone and with all others, is found, and is refused where it is another type. */
export async function holdAttributes(t: Test, ask: Ask): Promise<void> {
  const whole: { [name: string]: Json } = { schemas }
  for (const [path, { value }] of Object.entries(userAttributes)) assign(whole, path, value)
  await ask('POST', '/Users', { schemas, userName: 'nobody-else', active: false })
  const made = await ask('POST', '/Users', { ...whole, password: 't1meMa$heen' })
  t.equal(made.status, 201, JSON.stringify(made.body))
  const { body } = await ask('GET', `/Users/${made.body.id}`)
  t.equal(body.password, undefined)
  for (const [path, { value, found, missed }] of Object.entries(userAttributes)) {
    t.same(at(body, path), value, `${path} is told as it was given`)
    const alone = await ask('GET', `/Users/${made.body.id}?attributes=${path}`)
    t.same(at(alone.body, path), value, `${path} is told alone`)
    for (const [filters, total] of [
      [found, 1],
      [missed, 0],
    ] as const)
      for (const filter of filters) {
        const asked = encodeURIComponent(`userName sw "bj" and (${filter})`)
        const { status, body: list } = await ask('GET', `/Users?count=0&filter=${asked}`)
        t.match({ status, total: list.totalResults }, { status: 200, total }, filter)
      }
  }
  const put = await ask('PUT', `/Users/${made.body.id}`, whole)
  t.same({ ...put.body, meta: 0 }, { ...body, meta: 0 }, 'the same again changes nothing')
  for (const [path, value] of Object.entries(mistyped)) {
    const wrong: { [name: string]: Json } = { schemas, userName: 'wrong' }
    assign(wrong, path, value)
    t.match(await ask('POST', '/Users', wrong), { status: 400, body: { scimType: 'invalidValue' } }, path)
  }
}
