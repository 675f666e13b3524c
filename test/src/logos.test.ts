import t from 'tap'
import type { Organization } from './api.ts'
import { holdOnEachLayout, type Rules } from './layouts.ts'
import { ADMIN_KEY, type Usher } from './usher.ts'

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)
const JPEG = Buffer.from('\xff\xd8\xff\xe0\0\x10JFIF\0', 'latin1')
const WEBP = Buffer.from('RIFF\x1a\0\0\0WEBPVP8L', 'latin1')
const SVG = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>')

function put(usher: Usher, { path }: Organization, image: Buffer, type = 'image/png') {
  return usher.app.inject({
    method: 'PUT',
    url: `/admin/v1${path}/logo`,
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': type },
    payload: image,
  })
}

const logoOf = (usher: Usher, { id }: Organization) => usher.app.inject(`/assets/logos/${id}`)
const oidc = { issuer: 'https://idp.example', clientId: 'c' }

const rules: Rules = {
  'a logo is what its bytes say, and is served so': async (t, usher) => {
    const acme = await usher.makeOrganization()
    t.equal((await logoOf(usher, acme)).statusCode, 404)
    for (const [image, type] of [
      [PNG, 'image/png'],
      [JPEG, 'image/jpeg'],
      [WEBP, 'image/webp'],
    ] as const) {
      const stored = await put(usher, acme, image) // whatever it is called
      t.match(stored.json(), { url: `https://usher.example/assets/logos/${acme.id}?v=` })
      const { rawPayload, headers } = await usher.app.inject(new URL(stored.json().url).pathname)
      t.same(rawPayload, image)
      t.match(headers, {
        'content-type': type,
        'x-content-type-options': 'nosniff',
        'content-security-policy': /default-src 'none'/,
      })
    }
    const events = await usher.rows(
      "select 1 from events where organization_id = $1 and changed = '{logo}'",
      [acme.id],
    )
    t.equal(events.length, 3)
    await put(usher, acme, WEBP)
    t.equal(
      (await usher.rows("select 1 from events where organization_id = $1 and changed = '{logo}'", [acme.id]))
        .length,
      3,
      'the same again is no event',
    )
  },
  'what is none is refused, and changes nothing': async (t, usher) => {
    const acme = await usher.makeOrganization()
    await put(usher, acme, PNG)
    const large = Buffer.concat([PNG, Buffer.alloc(64 * 1024)])
    const cases: [Buffer, string, number][] = [
      [SVG, 'image/png', 400],
      [SVG, 'image/svg+xml', 415],
      [PNG, 'text/html', 415],
      [Buffer.from('{}'), 'application/json', 415],
      [large, 'image/png', 413],
      [Buffer.alloc(0), 'image/png', 400],
    ]
    for (const [image, type, status] of cases) {
      const answer = await put(usher, acme, image, type)
      t.equal(answer.statusCode, status, type)
      t.match(answer.headers['content-type'], /problem/)
    }
    t.same((await logoOf(usher, acme)).rawPayload, PNG)
    const image = {
      headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'image/png' },
      payload: PNG,
    }
    const json = await usher.app.inject({ method: 'POST', url: '/admin/v1/organizations', ...image })
    t.equal(json.statusCode, 415, 'nor is an image taken where JSON is')
  },
  'it stands at the head of the pages of its organization, and of no other': async (t, usher) => {
    const [acme, other] = [await usher.makeOrganization(), await usher.makeOrganization()]
    for (const organization of [acme, other])
      for (const name of ['Staff', 'Partners'])
        await usher.makeConnection(organization, { name, oidc, scim: {} })
    await put(usher, acme, PNG)
    const choice = ({ slug }: Organization) => usher.call({ method: 'GET', url: `/login/${slug}` })
    const shown = new RegExp(`<img src="/assets/logos/${acme.id}\\?v=[\\w-]{16}" alt="">`)
    t.match((await choice(acme)).text, shown)
    t.notMatch((await choice(other)).text, /<img/)
    t.match((await choice(other)).text, `<span>Company ${other.slug}</span>`)
    const connection = await usher.makeConnection(acme, { oidc })
    const refused = await usher.call({ method: 'GET', url: `/oidc/${connection.id}/callback` })
    t.match(refused, { status: 400, text: shown })
    const { cookie } = await usher.signIn(connection, { sub: 'ada' })
    t.match(await usher.call({ method: 'GET', url: '/', headers: { cookie } }), { status: 200, text: shown })
    t.equal((await usher.admin('DELETE', `${acme.path}/logo`)).status, 204)
    t.notMatch((await choice(acme)).text, /<img/)
    t.equal((await logoOf(usher, acme)).statusCode, 404)
  },
}
holdOnEachLayout(t, rules)
