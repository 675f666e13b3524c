import type { Attribute } from './types.ts'

/** An attribute with the defaults of RFC 7643 section 2.2. */
export function attribute(name: string, description: string, rest: Partial<Attribute> = {}): Attribute {
  return {
    name,
    type: 'string',
    multiValued: false,
    description,
    required: false,
    caseExact: false,
    mutability: 'readWrite',
    returned: 'default',
    uniqueness: 'none',
    ...rest,
  }
}

const readOnly = { mutability: 'readOnly', caseExact: true } as const

/** `externalId` is the client's own name for the resource (RFC 7643 section 3.1). */
const externalId = attribute('externalId', 'Identifier of the resource as defined by the client.', {
  caseExact: true,
})

const meta = attribute('meta', 'Metadata of the resource.', {
  type: 'complex',
  mutability: 'readOnly',
  subAttributes: [
    attribute('resourceType', 'Name of the resource type.', readOnly),
    attribute('created', 'When the resource was added.', { ...readOnly, type: 'dateTime' }),
    attribute('lastModified', 'When the resource was last changed.', { ...readOnly, type: 'dateTime' }),
    attribute('location', 'URI of the resource.', {
      ...readOnly,
      type: 'reference',
      referenceTypes: ['uri'],
    }),
    attribute('version', 'Version of the resource, an entity tag.', readOnly),
  ],
})

/** The attributes every resource has, outside of any schema (RFC 7643 section 3 and 3.1). */
export const commonAttributes: readonly Attribute[] = [
  attribute('schemas', 'URIs of the schemas that the resource uses.', {
    type: 'reference',
    referenceTypes: ['uri'],
    multiValued: true,
    caseExact: true,
    returned: 'always',
  }),
  attribute('id', 'Identifier of the resource, given by the server.', {
    ...readOnly,
    returned: 'always',
    uniqueness: 'server',
  }),
  externalId,
  meta,
]
