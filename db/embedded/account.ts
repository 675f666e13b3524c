import { execFile } from 'node:child_process'
import { chownSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'

export interface Account {
  readonly uid: number
  readonly gid: number
}

/** PostgreSQL refuses to run as root: root runs it as the user `postgres`, anybody else as themselves. */
export async function serverAccount(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const account = lookUp() ?? (await makeAccount().then(lookUp))
  if (!account) throw new Error('no postgres user could be made: run as a non-root user, or set DATABASE_URL')
  return account
}

export function give(path: string, account: Account | undefined): void {
  if (account) chownSync(path, account.uid, account.gid)
}

function lookUp(): Account | undefined {
  const entry = /^postgres:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'))
  return entry ? { uid: Number(entry[1]), gid: Number(entry[2]) } : undefined
}

async function makeAccount(): Promise<void> {
  const shape = ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin']
  try {
    await promisify(execFile)('useradd', [...shape, 'postgres'])
  } catch (cause) {
    // a start racing with this one may have made it
    if (!lookUp()) throw new Error('no postgres user could be made: set DATABASE_URL', { cause })
  }
}
