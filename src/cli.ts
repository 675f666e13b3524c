#!/usr/bin/env -S node --min-semi-space-size=32 --max-semi-space-size=32
import { parseArgs } from 'node:util'
import { checkInvariants, connect, disconnect, migrate, pendingMigrations } from '../db/index.ts'
import { explainPerson, type PersonAsked } from './cli/person.ts'
import { ConfigError, readConfig } from './config.ts'
import { type Database, migrateOptions, openDatabase, serve } from './start.ts'

const usage = `usher <command>

  serve            run the service
  migrate [up]     bring the database up to this release
  migrate status   say what that would apply
  doctor           check what must hold of the data; exit code 1 where something does not
  person explain <email, userName or id>
                   say why somebody is where they are, and what happened to them;
                   --organization <slug> where several are called that, --json for programs

Settings come from the environment; README.md lists them.`

type Options = Omit<PersonAsked, 'name'>

/** Each command returns its exit code. */
const commands: Readonly<Record<string, (words: readonly string[], options: Options) => Promise<number>>> = {
  serve: async () => {
    await serve(readConfig())
    return 0
  },
  migrate: ([what = 'up']) => {
    if (what === 'up') return withDatabase(applyMigrations)
    return what === 'status' ? withDatabase(listPending) : misused(`migrate ${what}`)
  },
  doctor: () => withDatabase(examine),
  person: ([what, name, ...more], options) =>
    what === 'explain' && name !== undefined && more.length === 0
      ? withDatabase((database) => explainNamed(database, { name, ...options }))
      : misused(['person', what, name, ...more].filter(Boolean).join(' ')),
}

async function withDatabase(work: (database: Database) => Promise<number>): Promise<number> {
  const database = await openDatabase(readConfig())
  try {
    return await work(database)
  } finally {
    if (!database.adopted) await database.stop()
  }
}

async function applyMigrations(database: Database): Promise<number> {
  const applied = await migrate(migrateOptions(database))
  print(applied.length > 0 ? applied.map((name) => `applied ${name}`) : ['nothing to apply'])
  return 0
}

async function listPending(database: Database): Promise<number> {
  const pending = await pendingMigrations(migrateOptions(database))
  print(pending.length > 0 ? pending.map((name) => `pending ${name}`) : ['up to date'])
  return 0
}

async function examine({ address }: Database): Promise<number> {
  const db = connect({ database: address, statementTimeout: 10 * 60_000 })
  try {
    const violations = await checkInvariants(db)
    print(
      violations.flatMap(({ name, rows }) => [
        `broken: ${name}`,
        ...rows.map((row) => `  ${JSON.stringify(row)}`),
      ]),
    )
    print([violations.length > 0 ? `${violations.length} rules are broken` : 'all is well'])
    return violations.length > 0 ? 1 : 0
  } finally {
    await disconnect(db)
  }
}

async function explainNamed({ address }: Database, asked: PersonAsked): Promise<number> {
  const db = connect({ database: address })
  try {
    const { lines, code } = await explainPerson(db, asked)
    print(lines)
    return code
  } finally {
    await disconnect(db)
  }
}

async function misused(words: string): Promise<number> {
  process.stderr.write(`usher has no command "${words}"\n\n${usage}\n`)
  return 2
}

function print(lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`${line}\n`)
}

async function main(words: readonly string[], options: Options): Promise<number> {
  const [name = '', ...rest] = words
  const command = commands[name]
  return command ? command(rest, options) : misused(words.join(' '))
}

try {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      organization: { type: 'string' },
      json: { type: 'boolean' },
    },
  })
  const { help, ...options } = values
  if (help) print([usage])
  else process.exitCode = await main(positionals, options)
} catch (error) {
  const known =
    error instanceof ConfigError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS')
  process.stderr.write(`${known ? (error as Error).message : (error as Error).stack}\n`) // nothing here throws else
  process.exitCode = 1
}
