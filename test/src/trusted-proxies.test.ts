import t, { type Test } from 'tap'
import { startUsher } from './usher.ts'

const clock = () => new Date('2026-01-01')
const MOST = 20

/** Asks for the organization of a domain, which is limited by where somebody asks from. */
async function scene(t: Test, trustedProxies?: string) {
  const usher = await startUsher(t, { clock, ...(trustedProxies && { trustedProxies }) })
  return async (remoteAddress: string, forwarded?: string) => {
    const { statusCode } = await usher.app.inject({
      method: 'POST',
      url: '/login',
      remoteAddress,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        ...(forwarded !== undefined && { 'x-forwarded-for': forwarded }),
      },
      payload: 'login_hint=a@nowhere.example',
    })
    return statusCode
  }
}

t.test('without a trusted proxy nobody gets another limit by a header', async (t) => {
  const ask = await scene(t)
  for (let asked = 0; asked < MOST; asked++) await ask('127.0.0.1', `192.0.2.${asked}`)
  t.equal(await ask('127.0.0.1', '198.51.100.1'), 429)
})

t.test('behind trusted proxies each client has a limit of its own', async (t) => {
  const ask = await scene(t, '127.0.0.1, 10.0.0.0/8')
  for (let asked = 0; asked < MOST; asked++) t.equal(await ask('127.0.0.1', '192.0.2.1'), 404)
  t.equal(await ask('127.0.0.1', '192.0.2.1'), 429)
  t.equal(await ask('127.0.0.1', '192.0.2.1, 10.1.2.3'), 429, 'through both proxies')
  t.equal(await ask('::ffff:127.0.0.1', '192.0.2.1:4711'), 429, 'from whichever port')
  t.equal(await ask('127.0.0.1', '192.0.2.2'), 404)
})

t.test('what a client adds to the header does not count', async (t) => {
  const ask = await scene(t, '127.0.0.1')
  for (let asked = 0; asked < MOST; asked++) await ask('127.0.0.1', `192.0.2.${asked}, 203.0.113.9`)
  t.equal(await ask('127.0.0.1', '198.51.100.1, 127.0.0.1, 203.0.113.9'), 429)
  t.equal(await ask('203.0.113.9', '198.51.100.1'), 429, 'nor past the proxy')
})
