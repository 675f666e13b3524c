import t, { type Test } from 'tap'
import { checkInvariants } from '../../db/index.ts'
import type { Body } from './api.ts'
import { holdOnEachLayout } from './layouts.ts'
import { person } from './people.ts'
import type { TestSignIn, Usher } from './usher.ts'

interface Conflict extends Body {
  readonly status: string
  readonly seen: number
  readonly people: readonly (Body & { userName: string })[]
}

/** An organization with a bound connection, and what its administrator is asked. */
async function scene(usher: Usher) {
  const oidc = { issuer: 'https://idp.example', clientId: 'c' }
  const { organization, connection, scim } = await usher.makePusher({ oidc, scim: {} })
  const { path, id } = organization
  const conflicts = async (query = '') =>
    (await usher.admin('GET', `${path}/conflicts${query}`)).body.items as readonly Conflict[]
  const push = async (userName: string, externalId: string) =>
    scim('POST', '/Users', person(userName, { externalId }))
  const enter = (claims: TestSignIn) => usher.signIn(connection, claims)
  const whoIs = async ({ cookie }: { cookie: string }) =>
    (await usher.call({ method: 'GET', url: '/session', headers: { cookie } })).body.user as Body
  return {
    ...{ organization, connection, scim, path, conflicts, push, enter, whoIs },
    answer: (conflict: Conflict | undefined, body: object) =>
      usher.admin('POST', `${path}/conflicts/${conflict?.id}/answer`, body),
    told: (type: string) =>
      usher.rows('select subject_id, data from events where organization_id = $1 and type = $2', [id, type]),
  }
}

const workspaceOf = (body: Body | undefined) => (body?.workspace as Body | undefined)?.id

const sound = async (t: Test, usher: Usher) => t.same(await checkInvariants(usher.db), [])

holdOnEachLayout(t, {
  'a sign-in by a name that is taken is queued once, and counted': async (t, usher) => {
    const { enter, conflicts, told, path } = await scene(usher)
    await enter({ sub: 'one', preferred_username: 'boss' })
    const two = { sub: 'two', preferred_username: 'Boss' }
    for (let time = 0; time < 3; time++) t.match(await enter(two), { code: 'user_name_taken' })
    const items = await conflicts('?status=open')
    t.match(items, [
      {
        status: 'open',
        code: 'user_name_taken',
        via: 'sign-in',
        seen: 3,
        newcomer: { userName: 'Boss', login: { subject: 'two' } },
        people: [{ userName: 'boss', foundBy: ['userName'], hasLogin: true, managedBy: 'sign-in' }],
        answers: [
          { answer: 'link', needs: [] },
          { answer: 'keep-apart', needs: ['userName'] },
          { answer: 'hand-over', needs: ['userName'] },
        ],
      },
    ])
    t.equal(items.length, 1)
    t.equal((await told('conflict.opened')).length, 1)
    t.equal((await told('sign-in.refused')).length, 3)
    t.same((await usher.admin('GET', `${path}/conflicts/${items[0]?.id}`)).body, items[0])
    t.equal((await usher.admin('GET', `${path}/conflicts/x`)).status, 404)
    t.same(await conflicts('?status=answered'), [])
    await sound(t, usher)
  },
  'everybody is queued, however many are refused in a minute': async (t, usher) => {
    const { enter, conflicts, told } = await scene(usher)
    await enter({ sub: 'boss' })
    for (let at = 0; at < 14; at++) await enter({ sub: `s${at}`, preferred_username: 'boss' })
    t.equal((await conflicts()).length, 14)
    t.equal((await told('sign-in.refused')).length, 10)
  },
  'whoever is linked is that person from then on': async (t, usher) => {
    const { enter, whoIs, conflicts, answer, told } = await scene(usher)
    const boss = await whoIs(await enter({ sub: 'one', preferred_username: 'boss' }))
    const two = { sub: 'two', preferred_username: 'boss' }
    await enter(two)
    const [conflict] = await conflicts()
    t.match(await answer(conflict, { answer: 'link' }), { status: 200, body: { status: 'answered' } })
    t.equal((await whoIs(await enter(two))).id, boss.id)
    t.equal((await whoIs(await enter(two))).id, boss.id)
    t.match(await told('conflict.answered'), [{ subject_id: boss.id, data: { answer: 'link' } }])
    await sound(t, usher)
  },
  'whoever is kept apart is made under a name of their own': async (t, usher) => {
    const { enter, whoIs, conflicts, answer } = await scene(usher)
    const boss = await whoIs(await enter({ sub: 'one', preferred_username: 'boss' }))
    const two = { sub: 'two', preferred_username: 'boss' }
    await enter(two)
    const [conflict] = await conflicts()
    t.equal((await answer(conflict, { answer: 'keep-apart' })).status, 400)
    t.equal((await answer(conflict, { answer: 'keep-apart', userName: 'BOSS ' })).status, 409)
    t.equal((await answer(conflict, { answer: 'keep-apart', userName: 'boss.2' })).status, 200)
    const made = await whoIs(await enter(two))
    t.not(made.id, boss.id)
    t.equal(made.userName, 'boss.2')
    t.equal((await whoIs(await enter(two))).id, made.id)
    await sound(t, usher)
  },
  'a name that is handed over leaves the former person, and nothing of theirs is inherited': async (
    t,
    usher,
  ) => {
    const { enter, whoIs, conflicts, answer, path } = await scene(usher)
    const former = await whoIs(await enter({ sub: 'one', preferred_username: 'boss' }))
    const two = { sub: 'two', preferred_username: 'boss' }
    await enter(two)
    const [conflict] = await conflicts()
    const same = { answer: 'hand-over', userName: 'Boss' }
    t.equal((await answer(conflict, same)).status, 409, 'the name that is handed over is not kept')
    t.equal((await answer(conflict, { answer: 'hand-over', userName: 'boss.former' })).status, 200)
    const made = await whoIs(await enter(two))
    const [old, young] = await Promise.all(
      [former, made].map(async ({ id }) => (await usher.admin('GET', `${path}/users/${id}`)).body),
    )
    t.match([old, young], [{ userName: 'boss.former' }, { userName: 'boss' }])
    t.not(workspaceOf(old), workspaceOf(young))
    t.equal((await whoIs(await enter({ sub: 'one', preferred_username: 'boss' }))).id, former.id)
    await sound(t, usher)
  },
  'a push that contradicts is answered, and a mere repetition asks nobody': async (t, usher) => {
    const { push, conflicts, answer, scim } = await scene(usher)
    const { id } = (await push('ada', 'a1')).body
    t.equal((await push('ada', 'a1')).status, 409)
    t.same(await conflicts(), [])
    t.equal((await push('ada', 'a2')).status, 409)
    t.equal((await push('ada.l', 'a1')).status, 409)
    const [taken, renamed] = await conflicts()
    t.match([taken, renamed], [{ code: 'user_name_taken' }, { code: 'external_id_taken' }])
    t.equal((await answer(renamed, { answer: 'keep-apart' })).status, 400)
    t.equal((await answer(renamed, { answer: 'link' })).status, 200)
    t.match(await push('ada.l', 'a1'), { status: 201, body: { id, userName: 'ada.l' } })
    t.equal((await answer(taken, { answer: 'link' })).status, 409, 'the name is not theirs any more')
    const two = await push('ada', 'a2')
    t.equal(two.status, 201)
    t.match(await scim('GET', `/Users/${id}`), { body: { externalId: 'a1' } })
    await sound(t, usher)
  },
  'of two people a push may be the administrator says which': async (t, usher) => {
    const { push, conflicts, answer, scim } = await scene(usher)
    const keyed = (await push('ada', 'a1')).body.id
    const named = (await push('bob', 'b1')).body.id
    t.equal((await push('bob', 'a1')).status, 409)
    const [conflict] = await conflicts()
    t.match(conflict, { code: 'ambiguous_person', answers: [{ answer: 'link', needs: ['userId'] }, {}] })
    t.same(new Set(conflict?.people.map(({ id }) => id)), new Set([keyed, named]))
    t.equal((await answer(conflict, { answer: 'link', userId: conflict?.id })).status, 400)
    t.equal((await answer(conflict, { answer: 'link' })).status, 400)
    t.equal((await answer(conflict, { answer: 'hand-over', userId: named })).status, 200)
    t.match(await scim('GET', `/Users/${named}`), { body: { userName: 'bob', externalId: 'a1' } })
    t.notOk((await scim('GET', `/Users/${keyed}`)).body.externalId)
    await sound(t, usher)
  },
  'another login with the key of somebody is linked, kept apart, or has the key handed over': async (
    t,
    usher,
  ) => {
    const { organization, whoIs, conflicts, answer, path } = await scene(usher)
    const oidc = { issuer: 'https://idp.example', clientId: 'c', correlationClaim: 'oid' }
    const at = await usher.makeConnection(organization, { name: 'by oid', oidc })
    for (const body of [{ answer: 'link' }, { answer: 'keep-apart' }, { answer: 'hand-over' }]) {
      const oid = `key of ${body.answer}`
      const as = (name: string) => usher.signIn(at, { sub: name + oid, oid, preferred_username: name + oid })
      const one = await whoIs(await as('one'))
      t.match(await as('two'), { code: 'login_taken' })
      t.equal((await answer((await conflicts('?status=open'))[0], body)).status, 200)
      const two = await whoIs(await as('two'))
      t.equal(two.id === one.id, body.answer === 'link', body.answer)
      t.equal((await whoIs(await as('one'))).id, one.id)
      const keys = [one, two].map(
        async ({ id }) => (await usher.admin('GET', `${path}/users/${id}`)).body.externalId,
      )
      const has =
        body.answer === 'hand-over' ? [undefined, oid] : [oid, body.answer === 'link' ? oid : undefined]
      t.same(await Promise.all(keys), has)
    }
    await sound(t, usher)
  },
  'an answer is given once, whoever else answers at that moment': async (t, usher) => {
    const { enter, whoIs, conflicts, answer, told } = await scene(usher)
    await enter({ sub: 'one', preferred_username: 'boss' })
    const two = { sub: 'two', preferred_username: 'boss' }
    await enter(two)
    const [conflict] = await conflicts()
    const bodies = [{ answer: 'link' }, { answer: 'keep-apart', userName: 'boss.2' }]
    const [answers, ...entered] = await Promise.all([
      Promise.all([...bodies, ...bodies].map((body) => answer(conflict, body))),
      ...Array.from({ length: 4 }, () => enter(two)),
    ])
    t.same(answers.map(({ status }) => status).sort(), [200, 200, 409, 409])
    t.equal((await told('conflict.answered')).length, 1)
    t.match(await conflicts(), [{ status: 'answered' }], 'a refusal that was under way does not ask again')
    const who = await whoIs(await enter(two))
    for (const one of entered) if (one.cookie) t.equal((await whoIs(one)).id, who.id)
    await sound(t, usher)
  },
  'an answer is refused once somebody has gone, and asked for again where it no longer helps': async (
    t,
    usher,
  ) => {
    const { push, enter, conflicts, answer, scim } = await scene(usher)
    const { id } = (await push('boss', 'b1')).body
    await enter({ sub: 'b1', preferred_username: 'boss' })
    const two = { sub: 'two', preferred_username: 'boss' }
    await enter(two)
    const [conflict] = await conflicts()
    await scim('DELETE', `/Users/${id}`)
    t.equal((await answer(conflict, { answer: 'link' })).status, 409)
    await push('boss.2', 'b2')
    t.match(await enter(two), { cookie: /./ }, 'nobody stands in the way')
    const three = { sub: 'three', preferred_username: 'boss.2' }
    await enter({ sub: 'b2', preferred_username: 'boss.2' })
    await enter(three)
    const open = (await conflicts('?status=open')).at(-1)
    t.equal((await answer(open, { answer: 'keep-apart', userName: 'boss.3' })).status, 200)
    await push('boss.3', 'b3')
    t.match(await enter(three), { code: 'user_name_taken' })
    t.match((await conflicts('?status=open')).at(-1), { people: [{ userName: 'boss.3' }] })
    await sound(t, usher)
  },
})
