import type { Test } from 'tap'
import type { Browser } from '../oidc/browser.ts'
import { type Json, startHostile } from '../oidc/hostile.ts'
import { type Answer, callAt, makeConnection, makeOrganization } from './api.ts'
import { listen } from './listening.ts'

/** A service, its provider that says what it is told to, and the time for both. */
export async function providedSessions(t: Test, oidc: object = {}) {
  let ahead = 0
  const clock = () => new Date(Date.now() + ahead)
  const seconds = () => Math.floor(clock().getTime() / 1000)
  const provider = await startHostile()
  t.teardown(() => provider.close())
  const usher = await listen(t, new URL(provider.issuer).host, clock)
  const organization = await makeOrganization(usher.admin)
  const wish = { oidc: { issuer: provider.issuer, clientId: 'usher', clientSecret: 's', ...oidc } }
  const connection = await makeConnection(usher.admin, organization, wish)
  const say = (more: Json) =>
    provider.lie({ claims: (good) => ({ ...good, iat: seconds(), exp: seconds() + 300, ...more }) })
  say({})
  return {
    usher,
    connection,
    say,
    seconds,
    pass: (span: number) => {
      ahead += span
    },
    organization,
    enter: (browser: Browser, query = '') => browser.open(`${usher.url}/oidc/${connection.id}/start${query}`),
    ask: (browser: Browser, url = '/session'): Promise<Answer> => {
      const cookie = `usher_session=${browser.cookies(usher.url).usher_session}`
      return callAt(usher.url)({ method: 'GET', url, headers: { cookie } })
    },
  }
}
