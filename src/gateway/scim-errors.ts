import { failureOf } from '../../db/index.ts'
import { ScimError } from '../../scim/index.ts'
import { Problem } from '../errors.ts'
import { Refused } from '../provisioning/refused.ts'

/** Seconds after which a client may try again while the database is away. */
const RETRY_AFTER = 1

/** RFC 6750 section 3.1: another credential might. */
const INSUFFICIENT_SCOPE = { 'www-authenticate': 'Bearer realm="scim", error="insufficient_scope"' }

/** What an error of the domain or the database is to a SCIM client. */
export function toScimError(error: unknown): ScimError | undefined {
  if (error instanceof Refused) return new ScimError('uniqueness', error.message, { cause: error })
  if (error instanceof Problem) return fromProblem(error)
  switch (failureOf(error)?.kind) {
    case 'conflict':
      return new ScimError('uniqueness', undefined, { cause: error })
    case 'invalid':
      return new ScimError(
        'invalidValue',
        'A value is too long, or holds a character that cannot be stored.',
        {
          cause: error,
        },
      )
    case 'contention':
    case 'busy':
    case 'unavailable':
      return new ScimError('unavailable', undefined, { cause: error, retryAfter: RETRY_AFTER })
    case undefined:
      return undefined
  }
}

function fromProblem({ code, message, retryAfter }: Problem): ScimError | undefined {
  if (code === 'invalid_request') return new ScimError('invalidValue', message)
  if (code === 'forbidden') return new ScimError(code, message, { headers: INSUFFICIENT_SCOPE })
  return code === 'unavailable' && retryAfter ? new ScimError(code, message, { retryAfter }) : undefined
}

/** The answer to an address that cannot be read: the plugin that would answer never comes to see it. */
export const unreadableAddress = (status: number) => ({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
  status: String(status),
  detail: 'The address cannot be read.',
})
