import type { ScimSchemaRow } from '../../db/index.ts'
import {
  type Attribute,
  enterpriseUserSchema,
  groupSchema,
  type Json,
  readSchema,
  type Schema,
  type SchemaProblem,
  userSchema,
} from '../../scim/index.ts'
import { Problem } from '../errors.ts'

const standard = [userSchema, enterpriseUserSchema, groupSchema]

const schemaOf = ({ document }: ScimSchemaRow): Schema => document as Schema // as it was validated when it was written

function refuse(code: 'invalid_request' | 'conflict', problems: readonly SchemaProblem[]): never {
  const errors = problems.map(({ path, message }) => ({
    path: path === '' ? 'body/schema' : `body/schema/${path}`,
    message,
  }))
  throw new Problem(code, `${errors[0]?.path} ${errors[0]?.message}.`, { errors })
}

/** A schema document as a client gives it; throws a Problem with all that is wrong with it. */
export function readSchemaDocument(document: unknown, others: readonly ScimSchemaRow[]): Schema {
  const reading = readSchema(document as Json, { standard, others: others.map(schemaOf) }) // it came as JSON
  return 'schema' in reading ? reading.schema : refuse('invalid_request', reading.problems)
}

interface Succession {
  readonly before: readonly Attribute[]
  readonly after: readonly Attribute[]
  /** Those of which there are values. */
  readonly isUsed: (name: string) => boolean
}

const kindOf = ({ type, multiValued }: Attribute) => `${multiValued ? 'a list of ' : ''}${type}`

function* breaches(
  { before, after, isUsed }: Succession,
  path: string,
): Generator<SchemaProblem, void, undefined> {
  for (const old of before.filter(({ name }) => isUsed(name))) {
    const index = after.findIndex(({ name }) => name === old.name)
    const now = after[index]
    if (!now) yield { path, message: `must keep "${old.name}", of which there are values` }
    else if (kindOf(now) !== kindOf(old))
      yield { path: `${path}/${index}/type`, message: `must stay ${kindOf(old)}, of which there are values` }
    else
      yield* breaches(
        { before: old.subAttributes ?? [], after: now.subAttributes ?? [], isUsed: () => true },
        `${path}/${index}/subAttributes`,
      )
  }
  for (const [index, { name, required }] of after.entries()) {
    if (required && !before.find((old) => old.name === name)?.required)
      yield {
        path: `${path}/${index}/required`,
        message: 'asks for what those who have the extension may lack',
      }
  }
}

/** Whether values that are there fit the schema that takes the place of theirs; throws a Problem where not. */
export function checkSuccession(before: ScimSchemaRow, after: Schema, used: ReadonlySet<string>): void {
  const { id, attributes } = schemaOf(before)
  if (id !== after.id) refuse('conflict', [{ path: 'id', message: `is written "${id}"` }])
  if (used.size === 0) return
  const succession = { before: attributes, after: after.attributes, isUsed: (name: string) => used.has(name) }
  const problems = [...breaches(succession, 'attributes')]
  if (problems.length > 0) refuse('conflict', problems)
}

/** The URN as the document writes it, by which values are kept. */
export const urnOf = (row: ScimSchemaRow): string => schemaOf(row).id
