import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join, resolve } from 'node:path'

export interface Config {
  readonly host: string
  readonly port: number
  /** Absent: the embedded database in `dataDir`. */
  readonly databaseUrl?: string
  readonly dataDir: string
  /** An origin, without a trailing slash. */
  readonly publicUrl: string
  readonly adminKey?: string
  /** Keys of 32 bytes: the first encrypts, all decrypt. */
  readonly secretKeys: readonly Uint8Array[]
  readonly outboundAllow: readonly string[]
  /** Addresses and CIDRs whose word is taken for where a request comes from. */
  readonly trustedProxies: readonly string[]
  readonly logLevel: string
  /** `__Host-` where the public URL is https, since browsers refuse that name on plain http. */
  readonly sessionCookie: string
}

/** Everything that is wrong with the environment at once; `message` is for the operator. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  constructor(problems: readonly string[]) {
    super(`configuration:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
  }
}

const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']

type Environment = Readonly<Record<string, string | undefined>>
type Report = (problem: string) => void

/** Reads the settings of `DESIGN.md` section 4; each may be given as `NAME_FILE`. Throws `ConfigError`. */
export function readConfig(environment: Environment = process.env): Config {
  const problems: string[] = []
  const report: Report = (problem) => void problems.push(problem)
  const setting = (name: string) => settingOf(environment, name, report)
  const port = portOf(setting('PORT') ?? '8080', report)
  const databaseUrl = databaseOf(setting('DATABASE_URL'), report)
  const dataDir = resolve(setting('USHER_DATA_DIR') ?? './data')
  const publicUrl = originOf(setting('USHER_PUBLIC_URL') ?? `http://localhost:${port}`, report)
  const adminKey = adminKeyOf(setting('USHER_ADMIN_KEY'), report)
  const logLevel = oneOf(setting('LOG_LEVEL') ?? 'info', report)
  const trustedProxies = proxiesOf(setting('USHER_TRUSTED_PROXIES'), report)
  const given = setting('USHER_SECRET_KEY')
  if (!given && databaseUrl)
    report('USHER_SECRET_KEY is required with DATABASE_URL: base64 of 32 random bytes')
  const keys = given ? secretKeysOf(given, report) : []
  if (problems.length > 0) throw new ConfigError(problems)
  return {
    host: setting('HOST') ?? '127.0.0.1',
    port,
    ...(databaseUrl && { databaseUrl }),
    dataDir,
    publicUrl,
    ...(adminKey && { adminKey }),
    secretKeys: keys.length > 0 ? keys : [keptKey(dataDir)],
    outboundAllow: listOf(setting('USHER_OUTBOUND_ALLOW')),
    trustedProxies,
    logLevel,
    sessionCookie: publicUrl.startsWith('https:') ? '__Host-usher_session' : 'usher_session',
  }
}

function settingOf(environment: Environment, name: string, report: Report): string | undefined {
  const file = environment[`${name}_FILE`]
  if (!file) return environment[name]?.trim() || undefined
  if (environment[name]) report(`${name} and ${name}_FILE are both set`)
  try {
    return readFileSync(file, 'utf8').trim() || undefined
  } catch {
    report(`${name}_FILE cannot be read: ${file}`)
    return undefined
  }
}

function portOf(text: string, report: Report): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535) report(`PORT must be a number up to 65535, not "${text}"`)
  return port
}

function databaseOf(text: string | undefined, report: Report): string | undefined {
  // libpq's form for a socket folder has no host before the path, which `URL` does not take: `//user@/name?host=/run`.
  const url = text?.replace(/^(\w+:\/\/[^/@]*@)\//, '$1localhost/')
  if (url && !(URL.canParse(url) && /^postgres(ql)?:$/.test(new URL(url).protocol)))
    report('DATABASE_URL must be a postgres:// URL')
  return url
}

function originOf(text: string, report: Report): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (
    !url ||
    !/^https?:$/.test(url.protocol) ||
    url.pathname !== '/' ||
    url.search ||
    url.hash ||
    url.username
  ) {
    report(`USHER_PUBLIC_URL must be an http(s) origin without a path, not "${text}"`)
    return ''
  }
  return url.origin
}

function adminKeyOf(text: string | undefined, report: Report): string | undefined {
  if (text !== undefined && text.length < 32) report('USHER_ADMIN_KEY must have at least 32 characters')
  return text
}

function oneOf(level: string, report: Report): string {
  if (!LEVELS.includes(level)) report(`LOG_LEVEL must be one of ${LEVELS.join(', ')}`)
  return level
}

function secretKeysOf(text: string, report: Report): Uint8Array[] {
  const keys = listOf(text).map((key) => Buffer.from(key, 'base64url'))
  if (keys.some((key) => key.length !== 32))
    report('USHER_SECRET_KEY must be base64 or base64url of 32 bytes; several are separated by commas')
  return keys
}

function proxiesOf(text: string | undefined, report: Report): string[] {
  const proxies = listOf(text)
  const wrong = proxies.filter((proxy) => !isNetwork(proxy))
  if (wrong.length > 0)
    report(
      `USHER_TRUSTED_PROXIES must be addresses or CIDRs separated by commas, not "${wrong.join('", "')}"`,
    )
  return proxies
}

/** An address or a CIDR; not every address there is, by which anybody would be trusted. */
function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  const most = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0
  const whole = bits === undefined || (/^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= most)
  return most > 0 && whole && rest.length === 0 && !address.includes('%')
}

const listOf = (text: string | undefined): string[] =>
  (text ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean)

/** The key of an embedded database, made at the first start. */
function keptKey(dataDir: string): Uint8Array {
  const file = join(dataDir, 'secret-key')
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  try {
    writeFileSync(file, randomBytes(32).toString('base64url'), { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error // node's own error type
  }
  return Buffer.from(readFileSync(file, 'utf8').trim(), 'base64url')
}
