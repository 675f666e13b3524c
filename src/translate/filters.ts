import { userFilterColumns } from '../../db/index.ts'
import { attribute, readFilter, type Schemas, ScimError, toSql, userType } from '../../scim/index.ts'
import { Problem } from '../errors.ts'

/** People as administrators filter them: the SCIM User, and what Usher says of it. */
const people: Schemas = {
  ...userType,
  schema: {
    ...userType.schema,
    attributes: [
      ...userType.schema.attributes,
      attribute('status', 'Where the person stands.', { mutability: 'readOnly' }),
      attribute('reason', 'Why the person is held.', { mutability: 'readOnly' }),
    ],
  },
}

const columns = {
  ...userFilterColumns,
  paths: { ...userFilterColumns.paths, status: { sql: 'u.status::text' }, reason: { sql: 'u.reason' } },
}

/** A filter of the SCIM grammar as a condition on people; throws a Problem that says what is wrong with it. */
export function peopleCondition(filter: string | undefined, firstParameter: number) {
  if (filter === undefined) return { text: 'true', values: [] }
  try {
    return toSql(readFilter(filter, people, 'lenient'), { columns, schemas: people, firstParameter })
  } catch (error) {
    if (!(error instanceof ScimError)) throw error
    throw new Problem('invalid_filter', error.message, { cause: error })
  }
}
