import t from 'tap'
import type { Ask } from './api.ts'
import { holdOnEachLayout } from './layouts.ts'
import { patchUser, person, stateOf } from './people.ts'

const COMPOSED = 'Ren\u00e9@acme.example'
/** The same name in other letters: another case, a letter with its accent apart, letters of full width. */
const SAME = ['ren\u00e9@acme.example', 'RENE\u0301@acme.example', '\uff32\uff45\uff4e\u00e9@acme.example']

const found = async (scim: Ask, filter: string) =>
  (await scim('GET', `/Users?filter=${encodeURIComponent(filter)}`)).body.totalResults

holdOnEachLayout(t, {
  'names that only look different are one: in filters, in creates, and at sign-in': async (t, usher) => {
    const { connection, scim } = await usher.makePusher({
      oidc: { issuer: 'https://idp.example', clientId: 'c' },
      scim: {},
    })
    const made = await scim('POST', '/Users', person(COMPOSED))
    t.match(made, { status: 201, body: { userName: COMPOSED } })
    const other = await scim('POST', '/Users', person('other'))
    for (const name of SAME) {
      t.equal(await found(scim, `userName eq "${name}"`), 1, name)
      t.equal(await found(scim, `userName sw "${name.slice(0, -8)}"`), 1, name)
      t.equal(await found(scim, `userName ne "${name}"`), 1, name)
      const taken = { status: 409, body: { scimType: 'uniqueness' } }
      t.match(await scim('POST', '/Users', person(name)), taken, name)
      t.match(await patchUser(scim, other.body.id, { userName: name }), taken, name)
    }
    const { cookie } = await usher.signIn(connection, { sub: 's', preferred_username: SAME[2] })
    const session = await usher.call({ method: 'GET', url: '/session', headers: { cookie } })
    t.match(session, { body: { user: { id: made.body.id, userName: COMPOSED } } })
  },

  'a name is shown as it was sent, and another spelling of it is its owner’s to take': async (t, usher) => {
    const { organization, scim } = await usher.makePusher()
    const { id } = (await scim('POST', '/Users', person(COMPOSED))).body
    for (const userName of SAME) {
      t.match(await patchUser(scim, id, { userName }), { status: 200, body: { userName } })
      t.equal((await scim('GET', `/Users/${id}`)).body.userName, userName)
    }
    const list = await usher.admin(
      'GET',
      `${organization.path}/users?filter=${encodeURIComponent(`userName eq "${COMPOSED}"`)}`,
    )
    t.match(list.body.items, [{ id, userName: SAME[2] }])
  },

  'of concurrent spellings of a name one is made': async (t, usher) => {
    const { scim } = await usher.makePusher()
    const spellings = [COMPOSED, ...SAME].flatMap((name) => Array.from({ length: 5 }, () => name))
    const answers = await Promise.all(spellings.map((name) => scim('POST', '/Users', person(name))))
    t.same(
      answers
        .map(({ status }) => status)
        .sort()
        .slice(0, 2),
      [201, 409],
    )
    t.equal(await found(scim, 'userName pr'), 1)
  },

  'spaces around a name are no part of it, and strict connections may not send them': async (t, usher) => {
    const { organization, scim: lenient } = await usher.makePusher()
    const connection = await usher.makeConnection(organization, { scim: { profile: 'strict' } })
    const strict = usher.scim((await usher.makeCredential(connection)).token)
    const made = await lenient('POST', '/Users', person('  ada lovelace\u00a0'))
    t.match(made, { status: 201, body: { userName: 'ada lovelace' } })
    for (const name of ['ADA LOVELACE', ' Ada Lovelace ', 'ada lovelace\u00a0', 'Ada\u3000Lovelace'])
      t.equal(await found(lenient, `userName eq "${name}"`), 1, name)
    t.equal(await found(lenient, 'userName co " "'), 1)
    t.match(await lenient('POST', '/Users', person('ada lovelace ')), { status: 409 })
    const state = await stateOf(usher, organization)
    const invalid = { status: 400, body: { scimType: 'invalidValue' } }
    for (const name of ['', ' ', '\u3000\t', 'a\u0007b']) {
      for (const scim of [lenient, strict]) t.match(await scim('POST', '/Users', person(name)), invalid)
      t.match(await patchUser(lenient, made.body.id, { userName: name }), invalid)
      t.match(await lenient('PUT', `/Users/${made.body.id}`, person(name)), invalid)
    }
    for (const name of [' bob', 'bob ', 'bob\u200b', 'bob\u2764', 'a\u00a0b']) {
      t.match(await strict('POST', '/Users', person(name)), invalid, name)
    }
    t.same(await stateOf(usher, organization), state)
    t.match(await strict('POST', '/Users', person('bob the \uff22uilder\u00e9')), { status: 201 })
  },

  'a name that a sign-in brings is without the spaces around it, too': async (t, usher) => {
    const { connection, scim } = await usher.makePusher({
      oidc: { issuer: 'https://idp.example', clientId: 'c' },
      scim: {},
    })
    const { id } = (await scim('POST', '/Users', person('ada'))).body
    const { cookie } = await usher.signIn(connection, { sub: 's', preferred_username: ' Ada ' })
    const session = await usher.call({ method: 'GET', url: '/session', headers: { cookie } })
    t.match(session, { body: { user: { id } } })
  },
})
