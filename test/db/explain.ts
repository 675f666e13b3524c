import { createRequire } from 'node:module'
import pg from 'pg'

/** How one statement was run, as planned for its values or, as the server may decide after a few uses, for any. */
export interface Explained {
  readonly text: string
  readonly mode: (typeof modes)[number]
  /** The nodes of the plan that were run. */
  readonly nodes: readonly PlanNode[]
}

/** A node of `explain (analyze, format json)`, by the members that are looked at. */
export interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly Plans?: readonly PlanNode[]
}

const modes = ['force_custom_plan', 'force_generic_plan'] as const

interface Sent {
  readonly text: string
  readonly values?: readonly unknown[] | undefined
}

/** Runs `work`, and tells of each statement that it sends how it is run: each is first run for its plan and taken back. */
export async function explaining(work: () => Promise<unknown>): Promise<Explained[]> {
  const pending: Promise<Explained>[] = []
  const open = new WeakSet<pg.Client>()
  const { query } = pg.Client.prototype
  pg.Client.prototype.query = function spy(this: pg.Client, ...given: [unknown, unknown?]) {
    const { text, values } = sentBy(given)
    const isOpen = open.has(this)
    if (/^\s*(with|select|insert|update|delete)\b/i.test(text) && !isSettings(text)) {
      const ask = (sql: string): Promise<pg.QueryResult> => Reflect.apply(query, this, [sql])
      for (const mode of modes) pending.push(explained({ text, values }, { mode, isOpen, ask }))
    }
    if (/^(start transaction|begin)/i.test(text)) open.add(this)
    if (/^(commit|rollback)/i.test(text)) open.delete(this)
    return Reflect.apply(query, this, given)
  } as typeof query
  try {
    await work()
  } finally {
    pg.Client.prototype.query = query
  }
  return Promise.all(pending)
}

// What Sequelize asks once a connection.
const isSettings = (text: string) => /pg_type|pg_range|server_version/.test(text)

/** A text and its values, or both in an object: the forms that pg takes. */
function sentBy([first, second]: [unknown, unknown?]): Sent {
  if (typeof first === 'object') return first as Sent
  return { text: String(first), values: Array.isArray(second) ? second : [] }
}

/** Everything is queued on the client at once, so it is run before the statement itself. */
async function explained(
  { text, values = [] }: Sent,
  {
    mode,
    isOpen,
    ask,
  }: { mode: Explained['mode']; isOpen: boolean; ask: (sql: string) => Promise<pg.QueryResult> },
): Promise<Explained> {
  const given = values.length > 0 ? `(${values.map(literal).join(', ')})` : ''
  const answers = await Promise.all([
    ask(isOpen ? 'savepoint looking' : 'begin'),
    ask(`set local plan_cache_mode = ${mode}`),
    ask(`prepare explained as ${text}`),
    ask(`explain (analyze, format json) execute explained${given}`),
    ask(isOpen ? 'rollback to savepoint looking' : 'rollback'),
    ask('deallocate explained'),
  ])
  return { text, mode, nodes: nodesOf(answers[3].rows[0]['QUERY PLAN'][0].Plan) }
}

function nodesOf(node: PlanNode): PlanNode[] {
  return node['Actual Loops'] > 0 ? [node, ...(node.Plans ?? []).flatMap(nodesOf)] : []
}

// The conversion that pg does before it sends a value; it has no public name.
const { prepareValue } = createRequire(import.meta.url)('pg/lib/utils.js') as {
  prepareValue(value: unknown): string | Buffer | null
}

function literal(value: unknown): string {
  const prepared = prepareValue(value)
  if (prepared === null) return 'null'
  if (Buffer.isBuffer(prepared)) return `'\\x${prepared.toString('hex')}'`
  return pg.escapeLiteral(String(prepared))
}
