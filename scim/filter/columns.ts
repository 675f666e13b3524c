/**
 * Where the host keeps an attribute: `sql` is the expression of its value. `contains` narrows a multi-valued
 * attribute by an index before its elements are looked at.
 */
export interface Column {
  readonly sql: string
  /** A condition that is true for every row having an element with that value (parameter already placed). */
  readonly contains?: (parameter: string) => string
}

/**
 * A map from canonical SCIM paths (`userName`, `emails.value`, `meta.lastModified`) to SQL. A path the schema knows
 * but the map does not is read from `document`, the jsonb expression that holds the attributes by their canonical names.
 */
export interface Columns {
  readonly document: string
  readonly paths: Readonly<Record<string, Column>>
}
