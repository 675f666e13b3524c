/**
 * Where the host keeps an attribute: `sql` is the expression of its value; of a multi-valued attribute that is no
 * relation, the jsonb array of its elements. `contains` narrows a multi-valued attribute by an index before its
 * elements are looked at.
 */
export interface Column {
  readonly sql: string
  /** A uuid column, never null, takes uuid parameters, so that its index serves; what is no UUID equals none of its values. */
  readonly type?: 'uuid'
  /** Of a userName: where it is kept as its `userNameKey`. */
  readonly key?: string
  /** Never null: a list sorted by it can be entered in its middle. */
  readonly required?: true
  /** Hardly ever do many resources have the same value, letter case aside. */
  readonly distinctive?: true
  /** A condition that is true for every row having an element with that value (parameter already placed). */
  readonly contains?: (parameter: string) => string
}

/**
 * A multi-valued attribute kept as rows of their own: true where one such row meets the condition, as in
 * `(condition) => `exists (select 1 from group_members m where m.group_id = g.id and ${condition})``. The
 * condition comes in parentheses; it speaks of the sub-attributes in `paths` (`members.value`: `m.user_id`).
 */
export type Relation = (condition: string) => string

/**
 * A map from canonical SCIM paths (`userName`, `emails.value`, `meta.lastModified`) to SQL. A path the schema knows
 * but the map does not is read from `document`, the jsonb expression that holds the attributes by their canonical names.
 */
export interface Columns {
  readonly document: string
  readonly paths: Readonly<Record<string, Column>>
  /** By the path of the multi-valued attribute: `members`, `groups`. */
  readonly relations?: Readonly<Record<string, Relation>>
}
