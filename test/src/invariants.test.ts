import { readFileSync } from 'node:fs'
import t from 'tap'
import { query, transact } from '../../db/connect.ts'
import { checkInvariants, type Violation } from '../../db/index.ts'
import { stoppedClock } from './clock.ts'
import { holdOnEachLayout } from './layouts.ts'
import { patchUser, person } from './people.ts'
import type { Usher } from './usher.ts'

const OIDC = { issuer: 'https://idp.example', clientId: 'c' }
const STRANGER = '0190aa3c-5d1c-7a39-9d3f-2f6a1c0b7e11'
const clock = stoppedClock()

/** Everything in it that a rule speaks of. */
async function scene(usher: Usher) {
  const { organization, scim, connection } = await usher.makePusher({ oidc: OIDC, scim: {} })
  const { path } = organization
  const push = async (name: string) =>
    (await scim('POST', '/Users', person(name, { externalId: name }))).body.id
  const make = async (what: string, body: object) =>
    (await usher.admin('POST', `${path}/${what}`, body)).body.id
  const [ada, bob, cid, dan] = [await push('ada'), await push('bob'), await push('cid'), await push('dan')]
  const inner = (await scim('POST', '/Groups', { displayName: 'Inner', members: [{ value: ada }] })).body.id
  const outer = (await scim('POST', '/Groups', { displayName: 'Outer', members: [{ value: inner }] })).body.id
  const team = await make('teams', { name: 'Sales' })
  const shared = await make('workspaces', { name: 'Shared', ownerId: bob })
  await usher.admin('PUT', `${path}/teams/${team}/members/${ada}`, { role: 'member' })
  await usher.admin('PATCH', `${path}/workspaces/${shared}`, { visibility: 'organization' })
  await usher.signIn(connection, { sub: 'ada', preferred_username: 'ada' })
  await scim('POST', '/Users', person('ada', { externalId: 'another' }))
  await usher.admin('PATCH', `${path}/policy`, { suspended: { keepDays: 10 } })
  await patchUser(scim, bob, { active: false })
  for (const id of [cid, dan]) await scim('DELETE', `/Users/${id}`)
  await usher.admin('POST', `${path}/users/${dan}/erase`)
  return {
    organization: organization.id,
    connection: connection.id,
    ada,
    bob,
    cid,
    dan,
    inner,
    outer,
    team,
    shared,
  }
}

type Names = Awaited<ReturnType<typeof scene>> & { readonly other: Awaited<ReturnType<typeof scene>> }

const policy =
  (patch: string) =>
  ({ organization: o }: Names) =>
    `update policies set document = document || '${patch}' where organization_id = '${o}'`

/** How each rule is broken by hand, by how its sentence begins; of the first organization, that of Ada. */
const breaks: Readonly<Record<string, (names: Names) => string>> = {
  'whoever is ready has a default workspace': ({ ada }) =>
    `delete from memberships where user_id = '${ada}'; update workspaces set default_of = null where default_of = '${ada}';
     delete from events where subject_id = '${ada}' and type = 'user.provisioned'`,
  'whoever is ready has a role in the place': ({ ada }) =>
    `delete from memberships where user_id = '${ada}'; update workspaces set default_of = null where default_of = '${ada}'`,
  'who has a default workspace has a role': ({ ada }) => `delete from memberships where user_id = '${ada}'`,
  'a workspace has an owner': ({ shared }) =>
    `update memberships set role = 'admin' where workspace_id = '${shared}'`,
  'nobody suspended owns alone': ({ bob }) =>
    `update events set at = at - interval '12 days' where subject_id = '${bob}';
     update policies set created_at = created_at - interval '12 days';
     update memberships set created_at = created_at - interval '12 days';
     insert into leases (name, holder, expires_at)
       select 'domains', 'x', max(created_at) + interval '12 days' from users`,
  'the default workspace of whoever is ready': ({ ada }) =>
    `update workspaces set status = 'archived' where default_of = '${ada}'`,
  'a workspace is in a team': ({ shared, other }) =>
    `update workspaces set team_id = '${other.team}' where id = '${shared}'`,
  "a role is somebody's": ({ organization: o, shared, other }) =>
    `insert into memberships (organization_id, user_id, workspace_id, role, source, rule, created_at)
     values ('${o}', '${other.ada}', '${shared}', 'member', 'administrator', 'x', now())`,
  'what is held is held by the brake': ({ organization: o }) =>
    `insert into reevaluations (organization_id, id, policy_version, done, state, created_at)
     values ('${o}', '${STRANGER}', 2, 0, 'held', now())`,
  "a role in a team is somebody's": ({ ada, other }) =>
    `update team_memberships set team_id = '${other.team}' where user_id = '${ada}'`,
  'what others than its members see': ({ shared, other }) =>
    `update visible_workspaces set workspace_id = '${other.shared}' where workspace_id = '${shared}'`,
  'a userName is kept under its key': ({ ada }) => `update users set user_name = 'eve' where id = '${ada}'`,
  'status, reason and time of deletion agree': ({ ada }) =>
    `update users set deleted_at = now() where id = '${ada}'`,
  'whoever is leaving is found': ({ cid }) => `delete from departures where user_id = '${cid}'`,
  'whoever is said to leave': ({ organization: o, other }) =>
    `insert into departures (organization_id, user_id, since) values ('${o}', '${other.ada}', now())`,
  'whoever is held is so for one reason': ({ ada }) =>
    `update users set status = 'held', reason = 'home_unknown' where id = '${ada}'`,
  'whoever is held has got no place': ({ ada }) =>
    `update users set status = 'held', reason = 'home_unknown' where id = '${ada}'`,
  'an attribute is what the source says': ({ ada }) =>
    `update users set sources = '{"title": {"source": "scim", "said": {"scim": {"value": "x"}}}}' where id = '${ada}'`,
  'whoever has an override': ({ ada }) =>
    `update users set sources = '{"title": {"source": "administrator", "said": {"administrator": {"until": "2099-01-01T00:00:00Z"}}}}'
     where id = '${ada}'`,
  'nobody who was erased': ({ dan }) => `update users set attributes = '{"title": "x"}' where id = '${dan}'`,
  'what waits for an owner': ({ organization: o, shared, other }) =>
    `insert into transfers (organization_id, workspace_id, user_id, created_at)
     values ('${o}', '${shared}', '${other.bob}', now())`,
  'the keys of a person': ({ ada }) => `update users set manager = 'x' where id = '${ada}'`,
  'nobody who is not ready has a session': ({ ada }) =>
    `update users set status = 'staged' where id = '${ada}'`,
  'who was given a workspace has the event': ({ ada }) =>
    `update events set type = 'user.changed' where subject_id = '${ada}' and type = 'user.provisioned'`,
  'a member is somebody': ({ organization: o, inner, other }) =>
    `insert into group_members (organization_id, group_id, user_id) values ('${o}', '${inner}', '${other.ada}')`,
  'no group is a member of itself': ({ organization: o, inner, outer }) =>
    `insert into group_subgroups (organization_id, group_id, subgroup_id) values ('${o}', '${inner}', '${outer}')`,
  'everybody has the event of their making': ({ ada }) =>
    `delete from events where subject_id = '${ada}' and type = 'user.created'`,
  'every row is of an organization': ({ team }) =>
    `update teams set organization_id = '${STRANGER}' where id = '${team}'`,
  'what an event is about': ({ organization: o, shared }) =>
    `update events set subject_type = 'workspace', subject_id = '${shared}'
     where organization_id <> '${o}' and type = 'team.created'`,
  'what is kept apart of an event': ({ ada, other }) =>
    `insert into event_personal (organization_id, user_id, event_id, data)
     select organization_id, '${other.ada}', id, '{}' from events where subject_id = '${ada}'`,
  'what was asked is noted': ({ organization: o, other }) =>
    `insert into requests (organization_id, id, at, kind, connection_id, times)
     values ('${o}', '${STRANGER}', now(), 'scim', '${other.connection}', 1)`,
  'the policy in force names': ({ other, ...names }) =>
    policy(`{"protected": {"users": ["${other.ada}"]}}`)({ other, ...names }),
  'a conflict is answered with somebody': ({ organization: o, other }) =>
    `update conflicts set answered_at = now(), answered_by = 'x', answer = '{"answer": "link", "userId": "${other.ada}"}' where organization_id = '${o}'`,
  'an organization has one home team': ({ organization: o }) =>
    `update teams set home = false where organization_id = '${o}'`,
  'only of a verified domain': ({ organization: o }) =>
    `insert into domains (organization_id, domain, challenge, created_at, missing_since)
     values ('${o}', 'x.example', 'x', now(), now())`,
  'a connection is in the directory': ({ connection, other }) =>
    `update connection_directory set organization_id = '${other.organization}' where id = '${connection}'`,
  'a login of the public connection': ({ ada, organization: o }) =>
    `insert into public_identities (issuer, subject, id, organization_id, user_id, created_at)
     values ('i', 's', '${STRANGER}', '${o}', '${ada}', now())`,
  'a personal organization has one person': ({ organization: o }) =>
    `update organizations set kind = 'personal' where id = '${o}'`,
  'onboarding references nothing': () =>
    `create table onboarding.bound (organization_id uuid references organizations (id))`,
  'what a client was given ends': ({ organization: o, connection }) =>
    `insert into scim_clients (organization_id, id, connection_id, secret_hash, created_at)
     values ('${o}', '${STRANGER}', '${connection}', 'x', now());
     update scim_credentials set client_id = '${STRANGER}' where organization_id = '${o}'`,
  'an open conflict has both its sides': ({ organization: o }) =>
    `update conflicts set evidence = evidence || '{"people": []}' where organization_id = '${o}'`,
  'no rule of groups makes an owner': ({ ada }) =>
    `update team_memberships set source = 'group-rule' where user_id = '${ada}'`,
}

/** What a key of the database does not let happen at all. */
const refused: Readonly<Record<string, (names: Names) => string>> = {
  'a person has one default workspace': ({ ada, shared }) =>
    `update workspaces set default_of = '${ada}' where id = '${shared}'`,
  "a userName is one person's": ({ bob }) => `update users set user_name_key = 'ada' where id = '${bob}'`,
  "an externalId is one person's": ({ bob }) => `update users set external_id = 'ada' where id = '${bob}'`,
  "a login is one person's": ({ organization: o, bob }) =>
    `insert into identities select organization_id, '${STRANGER}', connection_id, issuer, subject, '${bob}', null, now()
     from identities where organization_id = '${o}'`,
}

const rules = [...readFileSync('db/invariants.sql', 'utf8').matchAll(/^-- name: (.*)$/gm)].map(
  ([, name = '']) => name,
)

/** What is found after it was done, which is then undone. */
async function foundAfter({ db }: Usher, rule: string, text: string): Promise<Violation[]> {
  let found: Violation[] = []
  const undone = new Error('undone')
  const attempt = transact(db, async (db) => {
    for (const one of text.split(';')) await query(db, { text: one }, [])
    found = await checkInvariants(db, rule)
    throw undone
  })
  await attempt.catch((error: unknown) => {
    if (error !== undone) throw error
  })
  return found
}

holdOnEachLayout(
  t,
  {
    'what breaks a rule is found by it, or cannot be done': async (t, usher) => {
      const names = { ...(await scene(usher)), other: await scene(usher) }
      t.same(await checkInvariants(usher.db), [])
      for (const rule of rules) {
        const how = Object.entries({ ...breaks, ...refused }).find(([begins]) => rule.startsWith(begins))
        if (!how) {
          t.fail(`nothing breaks: ${rule}`)
          continue
        }
        const [begins, statement] = how
        if (begins in refused)
          await t.rejects(foundAfter(usher, rule, statement(names)), { code: '23505' }, rule)
        else {
          const found = await foundAfter(usher, rule, statement(names))
          t.ok(
            found.some(({ name }) => name === rule),
            rule,
          )
        }
      }
      t.same(await checkInvariants(usher.db), [])
    },
    'each table is bound to its organization by a key or by a rule': async (t, usher) => {
      const unbound = await usher.rows<{ name: string }>(
        `select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
           and a.attname = 'organization_id' and not exists (
             select from pg_constraint k where k.conrelid = c.oid and k.contype = 'f' and a.attnum = any (k.conkey))`,
      )
      t.not(unbound.length, 0)
      const text = readFileSync('db/invariants.sql', 'utf8')
      for (const { name } of unbound)
        if (name !== 'public_identities') t.ok(text.includes(`select organization_id, '${name}'`), name)
    },
  },
  { clock: clock.now },
)
