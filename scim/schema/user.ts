import { attribute } from './common.ts'
import { enterpriseUserSchema } from './enterprise-user.ts'
import type { Attribute, ResourceType, Schema } from './types.ts'

/** A multi-valued attribute with the sub-attributes of RFC 7643 section 2.4. */
function many(name: string, value: Attribute, types?: string[]): Attribute {
  return attribute(name, `${value.description.slice(0, -1)}, any number of them.`, {
    type: 'complex',
    multiValued: true,
    subAttributes: [value, ...labels(types)],
  })
}

function labels(types: string[] = []): Attribute[] {
  return [
    attribute('display', 'Name to show for it.'),
    attribute('type', 'What it is used for.', types.length > 0 ? { canonicalValues: types } : {}),
    attribute('primary', 'Whether it is the preferred one; true at most once.', { type: 'boolean' }),
  ]
}

const name = attribute('name', 'The components of the name of the user.', {
  type: 'complex',
  subAttributes: [
    attribute('formatted', 'The full name, formatted for display.'),
    attribute('familyName', 'The family name, or last name.'),
    attribute('givenName', 'The given name, or first name.'),
    attribute('middleName', 'The middle names.'),
    attribute('honorificPrefix', 'The title, such as "Ms.".'),
    attribute('honorificSuffix', 'The suffix, such as "III".'),
  ],
})

const addresses = attribute('addresses', 'Physical mailing addresses of the user.', {
  type: 'complex',
  multiValued: true,
  subAttributes: [
    attribute('formatted', 'The full address, formatted for display.'),
    attribute('streetAddress', 'The street, house number, or box.'),
    attribute('locality', 'The city.'),
    attribute('region', 'The state or region.'),
    attribute('postalCode', 'The postal code.'),
    attribute('country', 'The country, ISO 3166-1 alpha-2.'),
    ...labels(['work', 'home', 'other']),
  ],
})

const readOnly = { mutability: 'readOnly' } as const

const groups = attribute('groups', 'Groups that the user belongs to.', {
  ...readOnly,
  type: 'complex',
  multiValued: true,
  subAttributes: [
    attribute('value', 'The id of the group.', readOnly),
    attribute('$ref', 'The URI of the group.', { ...readOnly, type: 'reference', referenceTypes: ['Group'] }),
    attribute('display', 'The name of the group.', readOnly),
    attribute('type', 'How the user belongs to it.', {
      ...readOnly,
      canonicalValues: ['direct', 'indirect'],
    }),
  ],
})

const uri = { type: 'reference', caseExact: true, referenceTypes: ['external'] } as const

/** RFC 7643 section 4.1. */
export const userSchema: Schema = {
  id: 'urn:ietf:params:scim:schemas:core:2.0:User',
  name: 'User',
  description: 'User Account',
  attributes: [
    attribute('userName', 'The name by which the user signs in.', { required: true, uniqueness: 'server' }),
    name,
    attribute('displayName', 'The name of the user to show.'),
    attribute('nickName', 'The casual way to address the user.'),
    attribute('profileUrl', 'The online profile of the user.', uri),
    attribute('title', 'The title of the user, such as "Vice President".'),
    attribute('userType', 'The relation to the organization, such as "Contractor".'),
    attribute('preferredLanguage', 'The preferred languages, as in Accept-Language.'),
    attribute('locale', 'The location for formatting, such as "en-US".'),
    attribute('timezone', 'The time zone in IANA format, such as "America/Los_Angeles".'),
    attribute('active', 'Whether the user may sign in.', { type: 'boolean' }),
    attribute('password', 'Accepted and not kept: the identity provider signs people in.', {
      mutability: 'writeOnly',
      returned: 'never',
    }),
    many('emails', attribute('value', 'E-mail address.'), ['work', 'home', 'other']),
    many('phoneNumbers', attribute('value', 'Phone number.'), [
      'work',
      'home',
      'mobile',
      'fax',
      'pager',
      'other',
    ]),
    many('ims', attribute('value', 'Instant messaging address.'), [
      'aim',
      'gtalk',
      'icq',
      'xmpp',
      'msn',
      'skype',
      'qq',
      'yahoo',
    ]),
    many('photos', attribute('value', 'URL of a photo.', uri), ['photo', 'thumbnail']),
    addresses,
    groups,
    many('entitlements', attribute('value', 'Entitlement.')),
    many('roles', attribute('value', 'Role.')),
    many('x509Certificates', attribute('value', 'Certificate.', { type: 'binary', caseExact: true })),
  ],
}

export const userType: ResourceType = {
  name: 'User',
  endpoint: '/Users',
  description: 'User Account',
  schema: userSchema,
  extensions: [{ schema: enterpriseUserSchema, required: false }],
}
