/** What an error of the database means for whoever asked, by SQLSTATE and never by text. */
export type Failure =
  | { readonly kind: 'conflict'; readonly constraint?: string }
  | { readonly kind: 'contention' | 'unavailable' | 'busy' | 'invalid' }

const kinds: Record<string, Failure['kind']> = {
  '23505': 'conflict',
  '40001': 'contention',
  '40P01': 'contention',
  '57014': 'busy',
  '55P03': 'busy',
  // a date that there is none of, or none of a zone
  '22007': 'invalid',
  '22008': 'invalid',
  '22009': 'invalid',
  '22021': 'invalid',
  '22P05': 'invalid',
  // longer than an index takes
  '54000': 'invalid',
  '53300': 'unavailable',
  ECONNREFUSED: 'unavailable',
  ECONNRESET: 'unavailable',
  ENOENT: 'unavailable',
  EPIPE: 'unavailable',
  ETIMEDOUT: 'unavailable',
}

// What pg, Sequelize and its pool throw without a code when the connection is the trouble.
const connectionErrors = new Set([
  'SequelizeConnectionError',
  'SequelizeConnectionRefusedError',
  'SequelizeConnectionAcquireTimeoutError',
  'SequelizeConnectionTimedOutError',
  'SequelizeHostNotFoundError',
  'SequelizeHostNotReachableError',
])
const lostConnection =
  /^Connection terminated|^Client has encountered a connection error|^Client was closed|timeout expired$|^Query read timeout$|^Operation timeout$/

interface Thrown {
  name?: unknown
  code?: unknown
  constraint?: unknown
  message?: unknown
  parent?: unknown
}

/** Classifies an error of pg or Sequelize; `undefined` where the database is not to blame. */
export function failureOf(error: unknown): Failure | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { name, code, constraint, message, parent } = error as Thrown // any throw may carry these
  const known = typeof code === 'string' ? kindOf(code) : undefined
  if (known === 'conflict')
    return typeof constraint === 'string' ? { kind: known, constraint } : { kind: known }
  if (known) return { kind: known }
  if (typeof name === 'string' && connectionErrors.has(name)) return { kind: 'unavailable' }
  // there is no code for a connection that went away under a query, or that none came free; the text is all there is
  if (code === undefined && typeof message === 'string' && lostConnection.test(message))
    return { kind: 'unavailable' }
  return parent ? failureOf(parent) : undefined
}

function kindOf(code: string): Failure['kind'] | undefined {
  return kinds[code] ?? (/^(08...|57P0.)$/.test(code) ? 'unavailable' : undefined)
}
