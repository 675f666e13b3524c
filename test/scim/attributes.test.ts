import t from 'tap'
import { type Attribute, enterpriseUserSchema, groupSchema, userSchema } from '../../scim/index.ts'
import type { Ask } from './extended.ts'
import { asking, memoryHost } from './memory-host.ts'
import { holdAttributes } from './user-attributes.ts'

/** RFC 7643 section 8.7.1: what is not said is a string that may be written and is returned. */
const standard: readonly [path: string, more: Partial<Attribute>][] = [
  ['userName', { required: true, uniqueness: 'server' }],
  ['name', { type: 'complex' }],
  ['name.formatted', {}],
  ['name.familyName', {}],
  ['name.givenName', {}],
  ['name.middleName', {}],
  ['name.honorificPrefix', {}],
  ['name.honorificSuffix', {}],
  ['displayName', {}],
  ['nickName', {}],
  ['profileUrl', { type: 'reference', referenceTypes: ['external'] }],
  ['title', {}],
  ['userType', {}],
  ['preferredLanguage', {}],
  ['locale', {}],
  ['timezone', {}],
  ['active', { type: 'boolean' }],
  ['password', { mutability: 'writeOnly', returned: 'never' }],
  ...many('emails', {}, ['work', 'home', 'other']),
  ...many('phoneNumbers', {}, ['work', 'home', 'mobile', 'fax', 'pager', 'other']),
  ...many('ims', {}, ['aim', 'gtalk', 'icq', 'xmpp', 'msn', 'skype', 'qq', 'yahoo']),
  ...many('photos', { type: 'reference', referenceTypes: ['external'] }, ['photo', 'thumbnail']),
  ['addresses', { type: 'complex', multiValued: true }],
  ...['formatted', 'streetAddress', 'locality', 'region', 'postalCode', 'country'].map(
    (name): [string, Partial<Attribute>] => [`addresses.${name}`, {}],
  ),
  ['addresses.type', { canonicalValues: ['work', 'home', 'other'] }],
  ['groups', { type: 'complex', multiValued: true, mutability: 'readOnly' }],
  ['groups.value', { mutability: 'readOnly' }],
  ['groups.$ref', { type: 'reference', mutability: 'readOnly' }],
  ['groups.display', { mutability: 'readOnly' }],
  ['groups.type', { mutability: 'readOnly', canonicalValues: ['direct', 'indirect'] }],
  ...many('entitlements', {}),
  ...many('roles', {}),
  ...many('x509Certificates', { type: 'binary' }),
]

function many(name: string, value: Partial<Attribute>, types?: string[]): [string, Partial<Attribute>][] {
  return [
    [name, { type: 'complex', multiValued: true }],
    [`${name}.value`, value],
    [`${name}.display`, {}],
    [`${name}.type`, types ? { canonicalValues: types } : {}],
    [`${name}.primary`, { type: 'boolean' }],
  ]
}

const enterprise: typeof standard = [
  ['employeeNumber', {}],
  ['costCenter', {}],
  ['organization', {}],
  ['division', {}],
  ['department', {}],
  ['manager', { type: 'complex' }],
  ['manager.value', {}],
  ['manager.$ref', { type: 'reference', referenceTypes: ['User'] }],
  ['manager.displayName', { mutability: 'readOnly' }],
]

const group: typeof standard = [
  ['displayName', {}],
  ['members', { type: 'complex', multiValued: true }],
  ['members.value', { mutability: 'immutable' }],
  ['members.$ref', { type: 'reference', referenceTypes: ['User', 'Group'] }],
  ['members.type', { mutability: 'immutable', canonicalValues: ['User', 'Group'] }],
]

const usual = {
  type: 'string',
  multiValued: false,
  returned: 'default',
  mutability: 'readWrite',
  uniqueness: 'none',
}

t.test('the schemas are those of the RFC', async (t) => {
  for (const [schema, expected] of [
    [userSchema, standard],
    [enterpriseUserSchema, enterprise],
    [groupSchema, group],
  ] as const)
    for (const [path, more] of expected) {
      const [name, sub] = path.split('.')
      const attribute = schema.attributes.find((one) => one.name === name)
      const found = sub ? attribute?.subAttributes?.find((one) => one.name === sub) : attribute
      const { mutability, ...rest } = { ...usual, ...more }
      // A URI beside an id is the server's to say.
      t.match(
        found,
        { ...rest, mutability: sub === '$ref' ? 'readOnly' : mutability },
        `${schema.name} ${path}`,
      )
    }
})

for (const profile of ['lenient', 'strict'] as const)
  t.test(`every attribute of a person comes, is told and is found by a ${profile} client`, async (t) => {
    const ask = asking(await memoryHost(t), profile)
    const bare: Ask = async (method, url, body) => {
      const { statusCode: status, body: text } = await ask({ method, url, ...(body && { body }) })
      return { status, body: JSON.parse(text) }
    }
    await holdAttributes(t, bare)
  })
