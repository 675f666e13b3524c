import { type ConnectionRow, type Scope, scimSettings } from '../../db/index.ts'
import { type Json, ScimError, userType, validate } from '../../scim/index.ts'
import { Problem } from '../errors.ts'
import { type Foreseen, foresee } from '../provisioning/foresee.ts'
import type { Policies } from '../provisioning/policy.ts'
import { readTypes } from '../translate/types.ts'
import { sayingOf } from '../translate/user.ts'

/** What a SCIM create by the connection would do, if it had this body; nothing is written. */
export async function previewPush(
  scope: Scope,
  { id: connectionId, scimProfile }: ConnectionRow,
  { body, policies }: { body: Json; policies: Policies },
): Promise<Foreseen> {
  const { schemas = null } = (await scimSettings(scope)) ?? {}
  const resourceType = schemas === null ? userType : readTypes(schemas).User
  try {
    const attributes = validate(body, { resourceType, profile: scimProfile ?? 'lenient' })
    return await foresee(scope, { via: 'scim', connectionId, ...sayingOf(attributes) }, policies)
  } catch (error) {
    if (!(error instanceof ScimError)) throw error
    const { message } = error
    throw new Problem('invalid_request', message, { cause: error, errors: [{ path: 'body/push', message }] })
  }
}
