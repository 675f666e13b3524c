import { attribute } from './common.ts'
import type { Attribute, Schema } from './types.ts'

const CORE = 'urn:ietf:params:scim:schemas:core:2.0'

const readOnly = { mutability: 'readOnly' } as const
const needed = { ...readOnly, required: true } as const
const exact = { ...readOnly, caseExact: true } as const

const flag = (name: string, description: string): Attribute =>
  attribute(name, description, { ...needed, type: 'boolean' })
const number = (name: string, description: string): Attribute =>
  attribute(name, description, { ...needed, type: 'integer' })
const link = (name: string, description: string): Attribute =>
  attribute(name, description, { ...exact, type: 'reference', referenceTypes: ['external'] })
const uri = (name: string, description: string): Attribute =>
  attribute(name, description, { ...exact, required: true, type: 'reference', referenceTypes: ['uri'] })

function complex(name: string, description: string, subAttributes: readonly Attribute[]): Attribute {
  return attribute(name, description, { ...needed, type: 'complex', subAttributes })
}

const feature = (name: string, of: string, more: readonly Attribute[] = []): Attribute =>
  complex(name, `What is supported of ${of}.`, [flag('supported', 'Whether it is supported.'), ...more])

// RFC 9865 section 4
const pagination: Attribute = {
  ...complex('pagination', 'What is supported of pages.', [
    flag('cursor', 'Whether pages are had by cursor.'),
    flag('index', 'Whether pages are had by index.'),
    attribute('defaultPaginationMethod', 'Which it is where neither is asked for.', readOnly),
    { ...number('defaultPageSize', 'The resources in a page where none is said.'), required: false },
    { ...number('maxPageSize', 'The most resources in a page.'), required: false },
    { ...number('cursorTimeout', 'How many seconds a cursor may be used.'), required: false },
  ]),
  required: false,
}

const authenticationSchemes: Attribute = {
  ...complex('authenticationSchemes', 'How clients show who they are.', [
    attribute('type', 'The kind of the scheme.', {
      ...needed,
      canonicalValues: ['oauth', 'oauth2', 'oauthbearertoken', 'httpbasic', 'httpdigest'],
    }),
    attribute('name', 'The common name of the scheme.', needed),
    attribute('description', 'What the scheme is.', needed),
    link('specUri', 'The specification of the scheme.'),
    link('documentationUri', 'How to use the scheme.'),
    attribute('primary', 'Whether it is the preferred one.', { ...readOnly, type: 'boolean' }),
  ]),
  multiValued: true,
}

const serviceProviderConfig: Schema = {
  id: `${CORE}:ServiceProviderConfig`,
  name: 'ServiceProviderConfig',
  description: 'Service Provider Configuration',
  attributes: [
    link('documentationUri', 'Documentation for people.'),
    feature('patch', 'PATCH'),
    feature('bulk', 'bulk requests', [
      number('maxOperations', 'The most operations.'),
      number('maxPayloadSize', 'The most bytes.'),
    ]),
    feature('filter', 'filters', [number('maxResults', 'The most resources in an answer.')]),
    feature('changePassword', 'changing passwords'),
    feature('sort', 'sorting'),
    feature('etag', 'ETags'),
    pagination,
    authenticationSchemes,
  ],
}

const resourceType: Schema = {
  id: `${CORE}:ResourceType`,
  name: 'ResourceType',
  description: 'Resource Type',
  attributes: [
    attribute('name', 'The name of the type.', needed),
    attribute('description', 'What the type is.', readOnly),
    uri('endpoint', 'Where its resources are, below the base.'),
    uri('schema', 'Its schema.'),
    {
      ...complex('schemaExtensions', 'What extends its schema.', [
        uri('schema', 'The schema of the extension.'),
        flag('required', 'Whether every resource has it.'),
      ]),
      required: false,
      multiValued: true,
    },
  ],
}

const word = (name: string, description: string, canonicalValues: readonly string[]): Attribute =>
  attribute(name, description, { ...exact, canonicalValues })

const ofAttributes: readonly Attribute[] = [
  attribute('name', 'The name.', { ...exact, required: true }),
  {
    ...word('type', 'The type of its values.', [
      'string',
      'complex',
      'boolean',
      'decimal',
      'integer',
      'dateTime',
      'reference',
      'binary',
    ]),
    required: true,
  },
  flag('multiValued', 'Whether it has several values.'),
  attribute('description', 'What it is.', exact),
  { ...flag('required', 'Whether it must have a value.'), required: false },
  attribute('canonicalValues', 'Values that are suggested.', { ...exact, multiValued: true }),
  { ...flag('caseExact', 'Whether case matters in its values.'), required: false },
  word('mutability', 'Who may write it.', ['readOnly', 'readWrite', 'immutable', 'writeOnly']),
  word('returned', 'When it is returned.', ['always', 'never', 'default', 'request']),
  word('uniqueness', 'Among what its values are unique.', ['none', 'server', 'global']),
  attribute('referenceTypes', 'What a reference may lead to.', { ...exact, multiValued: true }),
]

const several = (name: string, description: string, subAttributes: readonly Attribute[]): Attribute => ({
  ...complex(name, description, subAttributes),
  multiValued: true,
})

const schema: Schema = {
  id: `${CORE}:Schema`,
  name: 'Schema',
  description: 'Schema',
  attributes: [
    attribute('name', 'The name of the schema.', needed),
    attribute('description', 'What it is for.', readOnly),
    several('attributes', 'Its attributes.', [
      ...ofAttributes,
      { ...several('subAttributes', 'The attributes of a complex one.', ofAttributes), required: false },
    ]),
  ],
}

/** What the discovery documents themselves are made of (RFC 7643 section 8.7.2). */
export const serviceSchemas: readonly Schema[] = [serviceProviderConfig, resourceType, schema]
