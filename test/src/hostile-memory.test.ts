import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { startServer } from '../bench/process.ts'
import { makeDatabase } from '../database.ts'
import { freePort } from '../demo/usher.ts'
import { createBrowser } from '../oidc/browser.ts'
import { type Lies, startHostile } from '../oidc/hostile.ts'
import { FLOODS } from '../oidc/lies/floods.ts'
import * as api from './api.ts'

const ADMIN_KEY = 'the-key-of-the-environment-in-tests'
const PEAK = '/proc/self/clear_refs'
const MOST = 50

/** The service in a process of its own, whose memory is the service's. */
async function scene() {
  const { url: databaseUrl } = await makeDatabase(t)
  const port = await freePort(0)
  const url = `http://localhost:${port}`
  const { pid, stop } = await startServer({
    file: 'src/server.ts',
    port,
    flags: ['--import=tsx'],
    environment: {
      DATABASE_URL: databaseUrl,
      USHER_PUBLIC_URL: url,
      USHER_ADMIN_KEY: ADMIN_KEY,
      USHER_SECRET_KEY: randomBytes(32).toString('base64'),
      USHER_OUTBOUND_ALLOW: '127.0.0.1',
      LOG_LEVEL: 'fatal',
    },
  })
  t.teardown(stop)
  return { url, pid, admin: api.adminAsk(api.callAt(url), ADMIN_KEY) }
}

/** In MB, as Linux counts it. */
const memory = (pid: number, what: 'VmRSS' | 'VmHWM') =>
  Number(new RegExp(`${what}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
const forgetPeak = (pid: number) => writeFileSync(`/proc/${pid}/clear_refs`, '5')

t.test('endless answers take little memory', { skip: !existsSync(PEAK) && 'Linux only' }, async (t) => {
  const { url, pid, admin } = await scene()
  const provider = await startHostile()
  t.teardown(() => provider.close())
  const organization = await api.makeOrganization(admin)
  const attempt = async (lies: Lies) => {
    const oidc = { issuer: provider.issuer, clientId: 'usher', clientSecret: 's' }
    const { id } = await api.makeConnection(admin, organization, { oidc })
    provider.lie({ claims: ({ email, ...good }) => good, ...lies })
    return createBrowser().open(`${url}/oidc/${id}/start`)
  }
  // What the first sign-ins take is not what a flood takes.
  for (let i = 0; i < 30; i++) await attempt(i % 2 ? {} : { claims: (good) => ({ ...good, sub: `${i}` }) })
  for (const path of ['/.well-known/openid-configuration', '/jwks', '/token', '/userinfo'])
    for (const [how, flood] of Object.entries(FLOODS)) {
      const before = memory(pid, 'VmRSS')
      forgetPeak(pid)
      t.match(await attempt({ endpoints: { [path]: flood } }), { status: 502, text: /provider_response/ })
      const grown = Math.round(memory(pid, 'VmHWM') - before)
      t.comment(`${path} ${how}: ${grown} MB`)
      t.ok(grown < MOST, `${path} ${how}: ${grown} MB`)
    }
})
