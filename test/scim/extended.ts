import type { Test } from 'tap'
import type { Attribute, Json, Schema } from '../../scim/index.ts'
import type { RandomSchema } from './random-schema.ts'

/** Asks as a client would, whatever the host is. */
export type Ask = (
  method: 'GET' | 'POST' | 'PUT' | 'PATCH',
  path: string,
  body?: object,
) => Promise<{ readonly status: number; readonly body: { readonly [name: string]: unknown } }>

const CORE = 'urn:ietf:params:scim:schemas:core:2.0:User'
const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'

interface Looking {
  readonly ask: Ask
  readonly id: string
  readonly schema: Schema
}

const patch = ({ ask, id }: Looking, operation: object) =>
  ask('PATCH', `/Users/${id}`, { schemas: [PATCH_OP], Operations: [operation] })

/** The value as it is told when asked for by name. */
async function told({ ask, id, schema }: Looking, name: string): Promise<Json | undefined> {
  const { body } = await ask('GET', `/Users/${id}?attributes=${encodeURIComponent(`${schema.id}:${name}`)}`)
  return (body[schema.id] as { [name: string]: Json } | undefined)?.[name]
}

/** Filters that must find a resource which has the value. */
function filtersFor({ id }: Schema, attribute: Attribute, value: Json): string[] {
  const first = Array.isArray(value) ? value[0] : value
  const path = `${id}:${attribute.name}`
  const [sub] = attribute.subAttributes ?? []
  const leaf = sub ? (first as { [name: string]: Json })[sub.name] : first
  const isText = (sub ?? attribute).type === 'string' && !attribute.caseExact
  const given = JSON.stringify(isText ? String(leaf).toUpperCase() : leaf)
  const inElement = sub ? [`${path}[${sub.name} eq ${given}]`] : []
  return [`${path}${sub ? `.${sub.name}` : ''} eq ${given}`, `${path} pr`, ...inElement]
}

async function holdOne(
  t: Test,
  looking: Looking,
  { attribute, values }: { attribute: Attribute; values: readonly [Json, Json] },
) {
  const { ask, schema } = looking
  const path = `${schema.id}:${attribute.name}`
  const [before, after] = values
  const isSecret = attribute.returned === 'never'
  t.same(await told(looking, attribute.name), isSecret ? undefined : before, `${path} is told`)
  for (const filter of filtersFor(schema, attribute, before)) {
    const { status, body } = await ask('GET', `/Users?count=0&filter=${encodeURIComponent(filter)}`)
    if (isSecret) t.equal(status, 400, filter)
    else t.match({ status, total: body.totalResults }, { status: 200, total: 1 }, filter)
  }
  const changed = await patch(looking, { op: 'replace', path, value: after })
  if (attribute.mutability === 'immutable')
    return t.match(changed, { status: 400, body: { scimType: 'mutability' } }, `${path} stands still`)
  t.equal(changed.status, 200, `${path} changes: ${JSON.stringify(changed.body)}`)
  // Of a single complex value, what is not given stays; here all is given.
  t.same(await told(looking, attribute.name), isSecret ? undefined : after, `${path} has changed`)
  const removed = await patch(looking, { op: 'remove', path })
  // The last attribute of an extension takes the extension away, and with it what it requires.
  if (attribute.required && schema.attributes.length > 1)
    return t.match(removed, { status: 400, body: { scimType: 'mutability' } })
  t.equal(removed.status, 200, `${path} goes`)
  return t.equal(await told(looking, attribute.name), undefined)
}

/** That a resource which fits the schema comes, is found, is told and is changed attribute by attribute. */
export async function holdExtended(
  t: Test,
  ask: Ask,
  { schema, values }: RandomSchema,
  attributes: readonly Attribute[],
) {
  const own = Object.fromEntries(Object.entries(values).map(([name, [value]]) => [name, value]))
  const resource = { schemas: [CORE, schema.id], userName: 'ada', [schema.id]: own }
  const made = await ask('POST', '/Users', resource)
  t.equal(made.status, 201, JSON.stringify(made.body))
  const id = String(made.body.id)
  const shown = Object.fromEntries(
    attributes.filter(({ returned }) => !/never|request/.test(returned)).map(({ name }) => [name, own[name]]),
  )
  const { body } = await ask('GET', `/Users/${id}`)
  t.same(body[schema.id] ?? {}, shown, 'it is told as it was given')
  for (const attribute of attributes) {
    const pair = values[attribute.name]
    if (pair) await holdOne(t, { ask, id, schema }, { attribute, values: pair })
  }
}
