import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Db, query } from './connect.ts'

export interface Violation {
  readonly name: string
  /** The keys of what breaks the rule; the first hundred. */
  readonly rows: readonly Record<string, unknown>[]
}

const MOST_ROWS = 100

/** Runs every rule of `invariants.sql`, or the one of that name; those that are broken, with what breaks them. */
export async function checkInvariants(db: Db, only?: string): Promise<Violation[]> {
  const violations: Violation[] = []
  for (const { name, text } of rules().filter((rule) => only === undefined || rule.name === only)) {
    const rows = await query(db, { text: `select * from (${text}) broken limit ${MOST_ROWS}` }, [])
    if (rows.length > 0) violations.push({ name, rows })
  }
  return violations
}

function rules(): { name: string; text: string }[] {
  const file = readFileSync(join(import.meta.dirname, 'invariants.sql'), 'utf8')
  const [, ...sections] = file.split(/^-- name: /m)
  return sections.map((section) => {
    const end = section.indexOf('\n')
    return { name: section.slice(0, end), text: section.slice(end).trim().replace(/;$/, '') }
  })
}
