/** A JSON value as it stands in a resource. */
export type Json = string | number | boolean | null | Json[] | { [name: string]: Json }

/** The attributes of a resource by their canonical names; extensions under their URN. Without `id`, `meta` and `schemas`. */
export type Attributes = { [name: string]: Json }

export type AttributeType =
  | 'string'
  | 'boolean'
  | 'decimal'
  | 'integer'
  | 'dateTime'
  | 'reference'
  | 'binary'
  | 'complex'

/** The characteristics of an attribute (RFC 7643 section 2.2 and 7). */
export interface Attribute {
  readonly name: string
  readonly type: AttributeType
  readonly multiValued: boolean
  readonly description: string
  readonly required: boolean
  readonly caseExact: boolean
  readonly mutability: 'readOnly' | 'readWrite' | 'immutable' | 'writeOnly'
  readonly returned: 'always' | 'never' | 'default' | 'request'
  readonly uniqueness: 'none' | 'server' | 'global'
  readonly canonicalValues?: readonly string[]
  readonly referenceTypes?: readonly string[]
  readonly subAttributes?: readonly Attribute[]
}

/** A schema document (RFC 7643 section 7). */
export interface Schema {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly attributes: readonly Attribute[]
}

/** A resource type (RFC 7643 section 6) together with the schemas it is made of. */
export interface ResourceType<Name extends string = 'User' | 'Group'> {
  readonly name: Name
  readonly endpoint: string
  readonly description: string
  readonly schema: Schema
  readonly extensions: readonly { readonly schema: Schema; readonly required: boolean }[]
}
