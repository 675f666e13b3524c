/** `attrPath` of RFC 7644 figure 1: names as the client wrote them, the URN apart. */
export interface AttrPath {
  readonly urn?: string
  readonly name: string
  readonly sub?: string
}

export type CompareOp = 'eq' | 'ne' | 'co' | 'sw' | 'ew' | 'gt' | 'ge' | 'lt' | 'le'
export type CompareValue = string | number | boolean | null

export interface And {
  readonly kind: 'and'
  readonly terms: readonly Filter[]
}
export interface Or {
  readonly kind: 'or'
  readonly terms: readonly Filter[]
}
export interface Not {
  readonly kind: 'not'
  readonly term: Filter
}
export interface Present {
  readonly kind: 'present'
  readonly path: AttrPath
}
export interface Compare {
  readonly kind: 'compare'
  readonly path: AttrPath
  readonly op: CompareOp
  readonly value: CompareValue
}
/** `attrPath "[" valFilter "]"`: one element of the attribute satisfies the whole filter. */
export interface ValuePath {
  readonly kind: 'valuePath'
  readonly path: AttrPath
  readonly filter: Filter
}
export type Filter = And | Or | Not | Present | Compare | ValuePath

/** A PATCH path (RFC 7644 figure 7): an attribute, or some of its elements, and of these a sub-attribute. */
export interface PatchPath {
  readonly path: AttrPath
  readonly filter?: Filter
  readonly sub?: string
}
