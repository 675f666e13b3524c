import { randomBytes } from 'node:crypto'
import t from 'tap'
import { holdOnEachLayout } from './layouts.ts'
import { patchOp, patchUser, person, stateOf } from './people.ts'
import { ADMIN_KEY, startUsher } from './usher.ts'

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

holdOnEachLayout(t, {
  'another connection’s person is a conflict to make and forbidden to write': async (t, usher) => {
    const { organization, scim } = await usher.makePusher()
    const other = usher.scim((await usher.makeCredential(await usher.makeConnection(organization))).token)
    const { id } = (await scim('POST', '/Users', person('ada', { externalId: '1' }))).body
    const state = await stateOf(usher, organization)
    t.match(await other('GET', '/Users?filter=userName eq "ada"'), { body: { totalResults: 1 } })
    t.match(await other('POST', '/Users', person('ada', { externalId: '1' })), {
      status: 409,
      body: { scimType: 'uniqueness' },
    })
    t.match(await patchUser(other, id, { active: false }), {
      status: 403,
      body: { status: '403', detail: /./ },
    })
    t.match(await other('PUT', `/Users/${id}`, person('ada')), { status: 403 })
    t.match(await other('DELETE', `/Users/${id}`), { status: 403 })
    t.same(await stateOf(usher, organization), state)
  },

  'a refused push leaves one event on the person it is about, and a flood of them is counted': async (
    t,
    usher,
  ) => {
    const { organization, scim } = await usher.makePusher()
    const { id } = (await scim('POST', '/Users', person('ada'))).body
    for (let round = 0; round < 15; round++) await scim('POST', '/Users', person('ada'))
    const events = await usher.rows(
      "select subject_id, rule, policy_version, data ->> 'code' as code from events where organization_id = $1 and type = 'push.refused'",
      [organization.id],
    )
    t.equal(events.length, 10)
    t.match(events[0], { subject_id: id, code: 'user_name_taken', rule: 'already there', policy_version: 1 })
  },

  'a strict connection keeps to the letter, a lenient one to the meaning': async (t, usher) => {
    const { organization, scim: lenient } = await usher.makePusher()
    const connection = await usher.makeConnection(organization, { scim: { profile: 'strict' } })
    const strict = usher.scim((await usher.makeCredential(connection)).token)
    const { id } = (await strict('POST', '/Users', person('ada'))).body
    t.ok(id)
    const state = await stateOf(usher, organization)
    const bodies = {
      'an unknown attribute': person('b', { favouriteColour: 'red' }),
      'text for a boolean': person('b', { active: 'True' }),
      'an unknown schema': person('b', { schemas: ['urn:example:unknown'] }),
    }
    for (const [what, body] of Object.entries(bodies))
      t.match(await strict('POST', '/Users', body), { status: 400, body: { scimType: /^invalid/ } }, what)
    t.same(await stateOf(usher, organization), state)
    for (const [number, [what, body]] of Object.entries(bodies).entries()) {
      const renamed = { ...body, userName: `lenient-${number}` }
      t.match(await lenient('POST', '/Users', renamed), { status: 201 }, what)
    }
  },

  'what cannot be understood is refused, and nothing changes': async (t, usher) => {
    const { organization, token, scim } = await usher.makePusher()
    const { id } = (await scim('POST', '/Users', person('ada'))).body
    const group = (await scim('POST', '/Groups', { displayName: 'Staff', members: [{ value: id }] })).body.id
    const state = await stateOf(usher, organization)
    const text = (type: string) => usher.scim(token, { 'content-type': type })
    const list = (filter: string) => scim('GET', `/Users?filter=${encodeURIComponent(filter)}`)
    // What does not compress has no place in an index.
    const long = randomBytes(3000).toString('hex')
    const bossOf = (value: string) => ({ [ENTERPRISE]: { manager: { value } } })
    const op = (...Operations: object[]) => patchOp({ Operations })
    const cases = {
      'malformed JSON': [await scim('POST', '/Users', '{"userName":'), 400, 'invalidSyntax'],
      'no object': [await scim('POST', '/Users', '[1]'), 400, 'invalidSyntax'],
      'no body': [await scim('POST', '/Users'), 400, 'invalidSyntax'],
      'a key twice': [await scim('POST', '/Users', '{"userName":"a","userName":"b"}'), 400, 'invalidSyntax'],
      'a NUL': [await scim('POST', '/Users', '{"userName":"a\\u0000b"}'), 400, /invalid/],
      'half a surrogate': [await scim('POST', '/Users', '{"userName":"a\\ud800"}'), 400, /invalid/],
      'too deep': [
        await scim('POST', '/Users', `{"userName":"b","name":${'['.repeat(50)}${']'.repeat(50)}}`),
        400,
        /invalid/,
      ],
      'no userName': [await scim('POST', '/Users', { displayName: 'x' }), 400, 'invalidValue'],
      'text for an object': [await scim('POST', '/Users', person('b', { name: 'Ada' })), 400, /invalid/],
      'plain text': [await text('text/plain')('POST', '/Users', 'userName=ada'), 415],
      'a form': [await text('application/x-www-form-urlencoded')('POST', '/Users', 'userName=ada'), 415],
      'a body beyond the limit': [
        await scim('POST', '/Users', person('b', { title: 'x'.repeat(1024 * 1024) })),
        413,
      ],
      'a userName beyond all measure': [await scim('POST', '/Users', person(long)), 400, 'invalidValue'],
      'a manager beyond all measure': [
        await scim('POST', '/Users', person('b', bossOf(long))),
        400,
        'invalidValue',
      ],
      'a group’s name beyond all measure': [
        await scim('POST', '/Groups', { displayName: long }),
        400,
        'invalidValue',
      ],
      'an address that is no text': [await scim('GET', '/Users/%ff'), 400],
      'an address beyond all measure': [await scim('GET', `/Users/${long}`), 414],
      'an unknown route': [await scim('GET', '/Nothing'), 404],
      'an unknown method': [await scim('DELETE', '/Users'), 405],
      'an unknown attribute in a filter': [await list('nothing eq "x"'), 400, 'invalidFilter'],
      'half a filter': [await list('userName eq'), 400, 'invalidFilter'],
      'a year that there was not': [
        await list('meta.created gt "0000-01-01T00:00:00Z"'),
        400,
        'invalidFilter',
      ],
      'a year before all years': [
        await list('meta.created gt "0001-01-01T00:00:00+01:00"'),
        400,
        'invalidFilter',
      ],
      'a year beyond all years': [
        await list('meta.created lt "9999-12-31T23:00:00-12:00"'),
        400,
        'invalidFilter',
      ],
      'a zone nowhere on earth': [
        await list('meta.created lt "2020-01-01T00:00:00+14:01"'),
        400,
        'invalidFilter',
      ],
      'a zone of no clock': [await list('meta.created lt "2020-01-01T00:00:00+99:99"'), 400, 'invalidFilter'],
      'a number that is not exact': [
        await scim('POST', '/Users', '{"userName":"b","externalId":12345678901234567890}'),
        400,
        'invalidValue',
      ],
      'a filter of a password': [await list('password eq "x"'), 400, 'invalidFilter'],
      'a filter of another type': [await list('members eq "x"'), 400, 'invalidFilter'],
      'an order by nothing known': [await scim('GET', '/Users?sortBy=nothing'), 400, 'invalidPath'],
      'an order by what is kept elsewhere': [await scim('GET', '/Users?sortBy=groups'), 400, 'invalidPath'],
      'an order by members': [await scim('GET', '/Groups?sortBy=members'), 400, 'invalidPath'],
      'a count that is no number': [await scim('GET', '/Users?count=many'), 400, 'invalidValue'],
      'no operations': [await scim('PATCH', `/Users/${id}`, { schemas: [] }), 400, 'invalidSyntax'],
      'an unknown op': [
        await scim('PATCH', `/Users/${id}`, op({ op: 'swap', path: 'title' })),
        400,
        'invalidSyntax',
      ],
      'a path to nowhere': [
        await scim('PATCH', `/Users/${id}`, op({ op: 'add', path: '__proto__.x', value: 1 })),
        400,
        'invalidPath',
      ],
      'a remove of everything': [await scim('PATCH', `/Users/${id}`, op({ op: 'remove' })), 400, 'noTarget'],
      'a remove of the userName': [
        await scim('PATCH', `/Users/${id}`, op({ op: 'remove', path: 'userName' })),
        400,
      ],
      'one wrong operation after a right one': [
        await scim(
          'PATCH',
          `/Users/${id}`,
          op({ op: 'add', path: 'title', value: 'x' }, { op: 'add', path: 'nothing', value: 1 }),
        ),
        400,
        'invalidPath',
      ],
      'no such person': [await patchUser(scim, group, { active: false }), 404],
      'a group without a name': [await scim('POST', '/Groups', { externalId: 'x' }), 400, 'invalidValue'],
      'members chosen by something else': [
        await scim('PATCH', `/Groups/${group}`, op({ op: 'remove', path: 'members[type eq "User"]' })),
        400,
        'invalidFilter',
      ],
    } as const
    for (const [what, [answer, status, scimType]] of Object.entries(cases)) {
      t.match(answer, { status, headers: { 'content-type': /^application\/scim\+json/ } }, what)
      t.match(
        answer.body,
        { schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: String(status), detail: /./ },
        what,
      )
      if (scimType) t.match(answer.body, { scimType }, what)
    }
    t.same(await stateOf(usher, organization), state)
  },

  'without a credential that is good nothing is told and nothing changes': async (t, usher) => {
    const { organization, connection, token, scim } = await usher.makePusher()
    const { id } = (await scim('POST', '/Users', person('ada'))).body
    const other = await usher.makePusher()
    const state = await stateOf(usher, organization)
    const [, secret] = token.split('.')
    const tokens = {
      'no such token': 'nonsense',
      'the key of the environment': ADMIN_KEY,
      'the secret of one organization for another': `${other.organization.id}.${secret}`,
      'an unknown secret': `${organization.id}.${secret?.slice(1)}`,
      'an empty secret': `${organization.id}.`,
    }
    for (const [what, token] of Object.entries(tokens)) {
      const ask = usher.scim(token)
      for (const answer of [
        await ask('GET', `/Users/${id}`),
        await ask('POST', '/Users', '{'),
        await ask('DELETE', `/Users/${id}`),
      ]) {
        t.match(
          answer,
          { status: 401, headers: { 'www-authenticate': /^Bearer/ }, body: { status: '401' } },
          what,
        )
        t.notOk(answer.text.includes(id))
      }
    }
    const bare = (headers = {}) => usher.call({ method: 'GET', url: '/scim/v2/Users', headers })
    t.match(await bare(), { status: 401, headers: { 'www-authenticate': /^Bearer/ } })
    t.match(await bare({ authorization: `Basic ${Buffer.from(`x:${token}`).toString('base64')}` }), {
      status: 401,
    })
    t.match(await bare({ authorization: token }), { status: 401 })
    t.match(await bare({ authorization: `bearer ${token}` }), { status: 200 })
    t.match(
      await usher.call({ method: 'GET', url: '/scim/v2/ServiceProviderConfig' }),
      { status: 200 },
      'discovery is open',
    )
    await usher.admin('PATCH', connection.path, { status: 'disabled' })
    t.same(await stateOf(usher, organization), state)
  },

  'another organization’s ids are nobody’s, and nothing changes there': async (t, usher) => {
    const [ours, theirs] = [await usher.makePusher(), await usher.makePusher()]
    const victim = (await theirs.scim('POST', '/Users', person('eve', { externalId: 'e' }))).body.id
    const club = (await theirs.scim('POST', '/Groups', { displayName: 'Club', members: [{ value: victim }] }))
      .body.id
    const state = await stateOf(usher, theirs.organization)
    const { scim } = ours
    const change = patchOp({ Operations: [{ op: 'replace', value: { active: false } }] })
    for (const [method, body] of [['GET'], ['PUT', person('eve')], ['PATCH', change], ['DELETE']] as const)
      t.match(await scim(method, `/Users/${victim}`, body), { status: 404, body: { status: '404' } }, method)
    const out = patchOp({ Operations: [{ op: 'remove', path: 'members' }] })
    for (const [method, body] of [
      ['GET'],
      ['PUT', { displayName: 'Mine' }],
      ['PATCH', out],
      ['DELETE'],
    ] as const)
      t.match(await scim(method, `/Groups/${club}`, body), { status: 404 }, `${method} of a group`)
    for (const filter of [
      `id eq "${victim}"`,
      'userName eq "eve"',
      'externalId eq "e"',
      `groups eq "${club}"`,
    ])
      t.match(
        await scim('GET', `/Users?filter=${encodeURIComponent(filter)}`),
        { body: { totalResults: 0 } },
        filter,
      )
    t.match(await scim('GET', `/Groups?filter=${encodeURIComponent(`members eq "${victim}"`)}`), {
      body: { totalResults: 0 },
    })

    const mine = (
      await scim('POST', '/Groups', { displayName: 'Mine', members: [{ value: victim }, { value: club }] })
    ).body
    t.same(mine.members, [])
    const added = patchOp({ Operations: [{ op: 'add', path: 'members', value: [{ value: victim }] }] })
    t.match(await scim('PATCH', `/Groups/${mine.id}`, added), { status: 204 })
    t.same((await scim('GET', `/Groups/${mine.id}`)).body.members, [])
    const managed = await scim(
      'POST',
      '/Users',
      person('ada', { [ENTERPRISE]: { manager: { value: victim } } }),
    )
    t.notOk(managed.text.includes('eve'), 'the name of somebody else’s person')
    t.notOk((await scim('GET', `/Users/${managed.body.id}`)).text.includes('eve'))
    t.match(await usher.admin('GET', `${ours.organization.path}/users/${victim}`), { status: 404 })
    t.same(await stateOf(usher, theirs.organization), state)
  },
})

t.test('no password and no token comes to rest in a row or a log line', async (t) => {
  const lines: string[] = []
  const { write } = process.stderr
  process.stderr.write = (chunk: unknown) => lines.push(String(chunk)) > 0
  t.teardown(() => {
    process.stderr.write = write
  })
  const usher = await startUsher(t, { logLevel: 'trace' })
  const { organization, token, scim } = await usher.makePusher()
  const password = 'correct-horse-battery-staple'
  const made = await scim('POST', '/Users', person('ada', { password }))
  await scim('PUT', `/Users/${made.body.id}`, person('ada', { password }))
  await patchUser(scim, made.body.id, { password, title: 'x' })
  await scim('POST', '/Users', `{"password":"${password}",`)
  await usher.scim(`${token}x`)('GET', '/Users')
  usher.app.log.error({ err: new Error('something') }, 'the log is listened to')
  const tables = await usher.rows<{ name: string }>(
    "select relname as name from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace",
  )
  const rows = await Promise.all(tables.map(({ name }) => usher.rows(`select x::text from ${name} x`)))
  const stored = JSON.stringify(rows)
  t.match(stored, organization.id)
  t.match(lines.join(''), 'the log is listened to')
  for (const secret of [password, token, String(token.split('.')[1]), ADMIN_KEY]) {
    t.notOk(stored.includes(secret), 'in a row')
    t.notOk(lines.join('').includes(secret), 'in a log line')
  }
})
