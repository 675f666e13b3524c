import { userFilterColumns } from '../../db/index.ts'
import { attribute, readFilter, type Schemas, ScimError, toSql, userType } from '../../scim/index.ts'
import { Problem } from '../errors.ts'
import { codesByStatus } from '../provisioning/reasons.ts'
import { readTypes } from './types.ts'

/** People as administrators filter them: the SCIM User, and what Usher says of it. */
function peopleOf({ schema, extensions }: Schemas): Schemas {
  const status = attribute('status', 'Where the person stands.', { mutability: 'readOnly' })
  const reason = attribute('reason', 'Why the person is not ready: the code.', { mutability: 'readOnly' })
  return { schema: { ...schema, attributes: [...schema.attributes, status, reason] }, extensions }
}

const standard = peopleOf(userType)

const byStatus = Object.entries(codesByStatus).map(([status, code]) => `when '${status}' then '${code}'`)

const columns = {
  ...userFilterColumns,
  paths: {
    ...userFilterColumns.paths,
    status: { sql: 'u.status::text' },
    reason: { sql: `coalesce(u.reason, case u.status ${byStatus.join(' ')} end)` },
  },
}

interface About {
  readonly firstParameter: number
  /** The schemas that the organization has beside the standard ones. */
  readonly schemas: string | null
}

/** A filter of the SCIM grammar as a condition on people; throws a Problem that says what is wrong with it. */
export function peopleCondition(filter: string, { firstParameter, schemas: own }: About) {
  const schemas = own === null ? standard : peopleOf(readTypes(own).User)
  try {
    return toSql(readFilter(filter, schemas, 'lenient'), { columns, schemas, firstParameter })
  } catch (error) {
    if (!(error instanceof ScimError)) throw error
    throw new Problem('invalid_filter', error.message, { cause: error })
  }
}
