import { ScimError } from '../errors.ts'
import { findPath, findSub, pathKey, type Schemas, type Target } from '../schema/lookup.ts'
import type { Attribute } from '../schema/types.ts'
import type { AttrPath, Compare, CompareValue, Filter, Present, ValuePath } from './ast.ts'
import type { Columns } from './columns.ts'
import { indexOf } from './shape.ts'
import { type Bind, compareSql, folded, type Place, presentSql, quote, valueSql } from './sql-value.ts'

export interface SqlOptions {
  readonly columns: Columns
  readonly schemas: Schemas
  /** Number of the first parameter; 1 unless the statement has others before. */
  readonly firstParameter?: number
}

interface Context {
  readonly columns: Columns
  readonly schemas: Schemas
  readonly bind: Bind
}

type Locate = (path: AttrPath) => Place

function targetOf({ schemas }: Pick<Context, 'schemas'>, path: AttrPath): Target {
  const target = findPath(schemas, path, 'strict')
  if (!target) throw new ScimError('invalidFilter', `There is no attribute "${path.name}" to filter by.`)
  return target
}

/** The schemas of a resource are its own and those of which it has attributes. */
function schemasArray({ columns: { document }, schemas }: Pick<Context, 'columns' | 'schemas'>): string {
  const extensions = schemas.extensions.map(({ schema: { id } }) => {
    return ` || case when ${document} -> ${quote(id)} is null then '[]' else ${asArray(id)} end`
  })
  return `(${asArray(schemas.schema.id)}${extensions.join('')})`
}

function asArray(urn: string): string {
  return `jsonb_build_array(${quote(urn)})`
}

function jsonAt(context: Pick<Context, 'columns' | 'schemas'>, { urn, name, sub }: AttrPath): string {
  const steps = [urn, name, sub].filter((step) => step !== undefined)
  return `(${[context.columns.document, ...steps.map(quote)].join(' -> ')})`
}

/** A URI that is made when a resource is shown: it is kept nowhere. */
function isLink({ type, mutability }: Attribute): boolean {
  return type === 'reference' && mutability === 'readOnly'
}

function placeOf(context: Pick<Context, 'columns' | 'schemas'>, path: AttrPath): Place {
  const target = targetOf(context, path)
  const column = context.columns.paths[pathKey(path)]
  if (!column && isLink(target.sub ?? target.attribute)) {
    throw new ScimError('invalidFilter', `"${pathKey(path)}" cannot be filtered by.`)
  }
  const attribute = target.sub ?? target.attribute
  return column ? { attribute, column, json: '' } : { attribute, json: jsonAt(context, path) }
}

function elements({ columns, schemas }: Pick<Context, 'columns' | 'schemas'>, path: AttrPath): string {
  const { sub: _, ...whole } = path
  const key = pathKey(whole)
  const column = columns.paths[key] ?? columns.paths[`${key}.value`]
  if (!column && key === 'schemas') return `jsonb_array_elements(${schemasArray({ columns, schemas })})`
  const array = column?.sql ?? jsonAt({ columns, schemas }, whole)
  return `jsonb_array_elements(case jsonb_typeof(${array}) when 'array' then ${array} else '[]' end)`
}

/** Places of the sub-attributes of one element, which is a row of a relation or an item of a jsonb array. */
function locateWithin({ columns }: Context, { urn, attribute }: Target): Locate {
  const key = pathKey({ ...(urn && { urn }), name: attribute.name })
  return ({ name }) => {
    const sub = findSub(attribute, name)
    if (!sub) throw new ScimError('invalidFilter', `There is no sub-attribute "${name}" to filter by.`)
    if (!columns.relations?.[key]) return { attribute: sub, json: `(element.item -> ${quote(name)})` }
    const column = columns.paths[`${key}.${name}`]
    if (!column) throw new ScimError('invalidFilter', `"${key}.${name}" cannot be filtered by.`)
    return { attribute: sub, column, json: 'null::jsonb' }
  }
}

/** True where some element meets the condition. */
function some(context: Context, path: AttrPath, condition: string): string {
  const { sub: _, ...whole } = path
  const relation = context.columns.relations?.[pathKey(whole)]
  if (relation) return relation(`(${condition})`)
  return `exists (select 1 from ${elements(context, path)} as element(item) where ${condition})`
}

/** What an index can tell beforehand: every equality that must hold of the element. */
function narrowed(context: Context, path: AttrPath, filter: Filter): string[] {
  if (filter.kind === 'and') return filter.terms.flatMap((term) => narrowed(context, path, term))
  if (filter.kind !== 'compare' || filter.op !== 'eq') return []
  const contains = context.columns.paths[pathKey({ ...path, sub: filter.path.name })]?.contains
  return contains ? [contains(`${context.bind(filter.value)}::text`)] : []
}

function someElement(context: Context, path: AttrPath, filter: Filter): string {
  const { sub: _, ...whole } = path
  const locate = locateWithin(context, targetOf(context, whole))
  const before = narrowed(context, whole, filter)
  const found = some(context, whole, compile(context, filter, locate))
  return before.length > 0 ? `(${[...before, found].join(' and ')})` : found
}

function leaf(context: Context, filter: Compare | Present, place: Place): string {
  return filter.kind === 'present' ? presentSql(place) : compareSql(filter, place, context.bind)
}

/** A simple multi-valued attribute has its values as elements; of a complex one a sub-attribute is asked. */
function compileLeaf(context: Context, filter: Compare | Present): string {
  const target = targetOf(context, filter.path)
  const { attribute, sub } = target
  if (!attribute.multiValued) return leaf(context, filter, placeOf(context, filter.path))
  if (sub) return someElement(context, filter.path, { ...filter, path: { name: sub.name } })
  if (context.columns.relations?.[pathKey(filter.path)]) return some(context, filter.path, 'true')
  return some(context, filter.path, leaf(context, filter, { attribute, json: 'element.item' }))
}

function compileValuePath(context: Context, { path, filter }: ValuePath): string {
  const target = targetOf(context, path)
  if (target.attribute.multiValued) return someElement(context, path, filter)
  return compile(context, filter, ({ name }) => placeOf(context, { ...path, sub: name }))
}

function compile(context: Context, filter: Filter, locate?: Locate): string {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return `(${filter.terms.map((term) => compile(context, term, locate)).join(` ${filter.kind} `)})`
    case 'not':
      return `not coalesce(${compile(context, filter.term, locate)}, false)`
    case 'present':
    case 'compare':
      return locate ? leaf(context, filter, locate(filter.path)) : compileLeaf(context, filter)
    case 'valuePath':
      return compileValuePath(context, filter)
  }
}

/** A condition of PostgreSQL, and its parameters for the texts of a shape. */
export interface PreparedSql {
  readonly text: string
  readonly values: (texts: readonly string[]) => CompareValue[]
}

/**
 * The shape of resolved filters as a condition of PostgreSQL; every value is a parameter. Null counts as false, as
 * `where` takes it. What has no place in a schema is 400 `invalidFilter`, so that no query is ever wider than it was
 * asked.
 */
export function prepareSql(shape: Filter, { columns, schemas, firstParameter = 1 }: SqlOptions): PreparedSql {
  const bound: ((texts: readonly string[]) => CompareValue)[] = []
  const bind: Bind = (value, to = (given) => given) => {
    const index = indexOf(value)
    const one = index === undefined ? to(value) : undefined
    const count = bound.push((texts) => (index === undefined ? (one ?? null) : to(texts[index] ?? null)))
    return `$${firstParameter - 1 + count}`
  }
  const text = compile({ columns, schemas, bind }, shape)
  return { text, values: (texts) => bound.map((of) => of(texts)) }
}

/** As `prepareSql`, of one filter. */
export function toSql(filter: Filter, options: SqlOptions): { text: string; values: CompareValue[] } {
  const { text, values } = prepareSql(filter, options)
  return { text, values: values([]) }
}

/** How much of a text is sorted by, so that a place in the order fits in the address of a page. */
const MAX_SORTED = 500

/** What to order by for a resolved `sortBy`: of a multi-valued attribute its primary, or else first value. */
export function sortExpression(
  path: AttrPath,
  { columns, schemas }: Omit<SqlOptions, 'firstParameter'>,
): string {
  const { attribute, sub } = targetOf({ schemas }, path)
  if (columns.relations?.[attribute.name] || isLink(sub ?? attribute))
    throw new ScimError('invalidPath', `"${attribute.name}" cannot be sorted by.`)
  const ordered = (place: Place) => {
    if (place.attribute.type !== 'string' && place.attribute.type !== 'reference') return valueSql(place)
    const text = folded(place)
    return place.column ? text : `left(${text}, ${MAX_SORTED})`
  }
  if (!attribute.multiValued) return ordered(placeOf({ columns, schemas }, path))
  const json = sub ? `(element.item -> ${quote(sub.name)})` : 'element.item'
  return `(select ${ordered({ attribute: sub ?? attribute, json })}
    from ${elements({ columns, schemas }, path)} with ordinality as element(item, position)
    order by coalesce(element.item -> 'primary' = 'true'::jsonb, false) desc, position limit 1)`
}
