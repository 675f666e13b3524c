import { failureOf } from '../../db/index.ts'
import { ScimError } from '../../scim/index.ts'
import { Problem } from '../errors.ts'
import { Refused } from '../provisioning/refused.ts'

/** Seconds after which a client may try again while the database is away. */
const RETRY_AFTER = 1

/** What an error of the domain or the database is to a SCIM client. */
export function toScimError(error: unknown): ScimError | undefined {
  if (error instanceof Refused) return new ScimError('uniqueness', error.message, { cause: error })
  if (error instanceof Problem && error.code === 'forbidden') return new ScimError('forbidden', error.message)
  switch (failureOf(error)?.kind) {
    case 'conflict':
      return new ScimError('uniqueness', undefined, { cause: error })
    case 'invalid':
      return new ScimError('invalidValue', 'A value holds a character that cannot be stored.', {
        cause: error,
      })
    case 'contention':
    case 'busy':
    case 'unavailable':
      return new ScimError('unavailable', undefined, { cause: error, retryAfter: RETRY_AFTER })
    case undefined:
      return undefined
  }
}
