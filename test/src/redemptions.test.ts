import t from 'tap'
import { type HostileProvider, json, startHostile } from '../oidc/hostile.ts'
import { deceived } from './deceived.ts'

// No time passes, so that nobody may try again meanwhile.
const began = new Date()
const scene = await deceived(t, () => began)

async function meet(endpoints: NonNullable<Parameters<HostileProvider['lie']>[0]['endpoints']>) {
  const provider = await startHostile()
  t.teardown(() => provider.close())
  provider.lie({ claims: ({ email, ...good }) => good, endpoints })
  return { provider, connection: await scene.connect({ issuer: provider.issuer }) }
}

const redeemedAt = ({ requests }: HostileProvider) => requests.filter((path) => path === '/token').length

t.test('people come in from one address without end, one by one', async (t) => {
  const { connection } = await meet({})
  for (let came = 0; came < 65; came++) t.equal((await scene.enter(connection)).status, 200)
})

t.test('whoever makes up codes without end has few of them asked about', async (t) => {
  const { provider, connection } = await meet({
    '/token': (response) => json(response, { error: 'invalid_grant' }, 400),
  })
  for (let tried = 0; tried < 60; tried++)
    t.match(await scene.enter(connection), { status: 400, text: /<code>invalid_grant</ })
  for (let tried = 0; tried < 5; tried++) {
    const page = await scene.enter(connection)
    t.match(page, { status: 429, text: /<code>too_many_requests</ })
    t.equal(page.headers.get('retry-after'), '1')
  }
  t.equal(redeemedAt(provider), 60)
  t.equal((await scene.enter((await meet({})).connection)).status, 200, 'which is nothing to others')
})
