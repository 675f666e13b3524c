import type { Ask, Body } from '../src/api.ts'
import { expected } from './directory.ts'

/** What the administration says of somebody. */
export interface Row {
  readonly who: string
  readonly way: string
  readonly status: string
  readonly workspace: string
  readonly role: string
  readonly home: string
  readonly session: string
}

interface User extends Body {
  readonly userName: string
  readonly displayName: string
  readonly status: string
  readonly managedBy: string
  readonly workspace?: {
    readonly name: string
    readonly role: string
    readonly home: { readonly name: string }
  }
}

/** Everybody of an organization, in the order in which they came; `admin` asks below the organization's path. */
export async function report(admin: Ask, path: string): Promise<Row[]> {
  const { items } = expected(await admin('GET', `${path}/users`), 200).body
  return Promise.all((items as readonly User[]).map((user) => rowOf(admin, `${path}/users/${user.id}`, user))) // as openapi.yaml has it
}

async function rowOf(admin: Ask, path: string, user: User): Promise<Row> {
  const { workspace } = user
  return {
    who: user.displayName,
    way: user.managedBy === 'scim' ? 'SCIM push' : 'sign-in',
    status: user.status,
    workspace: workspace?.name ?? '',
    role: workspace?.role ?? '',
    home: workspace?.home.name ?? '',
    session: await sessionOf(admin, path),
  }
}

async function sessionOf(admin: Ask, path: string): Promise<string> {
  const alive = expected(await admin('GET', `${path}/sessions`), 200).body.items
  if (alive.length > 0) return 'alive'
  const happened = expected(await admin('GET', `${path}/timeline`), 200).body.items
  return happened.some(({ type }) => type === 'session.begun') ? 'ended' : 'none yet'
}

/** Rows in columns as wide as they need. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  const lines = all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  const rule = widths.map((width) => '─'.repeat(width)).join('  ')
  return [lines[0], rule, ...lines.slice(1)].join('\n')
}
