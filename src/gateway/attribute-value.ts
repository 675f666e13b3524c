import { type Scope, scimSettings, type UserRow } from '../../db/index.ts'
import { type Attributes, type Json, ScimError, validate } from '../../scim/index.ts'
import { Problem } from '../errors.ts'
import { peopleType, type Spoken } from '../translate/attributes.ts'
import { checkReferences } from './scim-references.ts'

const wrong = (message: string, cause?: unknown): Problem =>
  new Problem('invalid_request', message, { cause, errors: [{ path: 'body/value', message }] })

/** A value for an attribute of a person as the strictest push would have to say it; throws a Problem. */
export async function readAttribute(
  scope: Scope,
  { attributes }: Pick<UserRow, 'attributes'>,
  { attribute: { urn, name }, value }: { attribute: Spoken; value: Json },
): Promise<Json> {
  const { schemas = null } = (await scimSettings(scope)) ?? {}
  const resourceType = peopleType(schemas)
  const before = attributes as Attributes // jsonb that was Attributes when written
  // The other attributes of an extension are there with it, since some of them may be required.
  const said = urn === undefined ? { [name]: value } : { [urn]: { ...Object(before[urn]), [name]: value } }
  const body = {
    schemas: [resourceType.schema.id, ...(urn === undefined ? [] : [urn])],
    userName: 'somebody',
    ...said,
  }
  try {
    const after = validate(body, { resourceType, profile: 'strict' })
    await checkReferences({ profile: 'strict', scope }, after, before)
    const container = urn === undefined ? after : (after[urn] as Attributes | undefined) // as it was given
    const cleaned = container?.[name]
    if (cleaned === undefined) throw wrong('It says nothing: delete it to have others heard.')
    return cleaned
  } catch (error) {
    if (!(error instanceof ScimError)) throw error
    throw wrong(error.message, error)
  }
}
