import type pg from 'pg'
import { idSql, sessionSecretSql, templates } from './person.ts'

// Populations are written by SQL, since a million creates would take longer than what is to be measured. What
// stands there is what provisioning writes: the invariants say so at the end of a run.

export interface Tenant {
  readonly organizationId: string
  readonly connectionId: string
  /** Of its provider. */
  readonly issuer: string
}

const floorSchema = `
  create table users (id uuid primary key, user_name text not null, doc jsonb not null);
  create unique index on users (lower(user_name));
  create table events (id uuid primary key, user_id uuid not null, type text not null, at timestamptz not null,
                       data jsonb not null);
  create table members (group_id uuid, user_id uuid, primary key (group_id, user_id));`

const floorPeople = `
  insert into users (id, user_name, doc)
  select ${idSql('user')}, replace($2, '#', n::text), replace($3, '#', n::text)::jsonb || jsonb_build_object(
    'id', ${idSql('user')}, 'meta', jsonb_build_object('resourceType', 'User', 'created', now(),
    'lastModified', now(), 'version', 1))
  from generate_series(1, $1::integer) n`

const floorEvents = `
  insert into events (id, user_id, type, at, data)
  select ${idSql('created')}, ${idSql('user')}, 'user.created', now(),
    jsonb_build_object('via', 'scim', 'userName', replace($2, '#', n::text))
  from generate_series(1, $1::integer) n`

/** As many people, and an event each, as the floor would have written. */
export async function populateFloor(client: pg.Client, people: number): Promise<void> {
  const { userName, resource } = templates
  await client.query(floorSchema)
  await client.query(floorPeople, [people, userName, resource])
  await client.query(floorEvents, [people, userName])
  await settle(client)
}

/** One row for each person from `$3` to `$4`: their number, and whose they are. */
const given = `
  given as (
    select n, $1::uuid as organization_id, $2::uuid as connection_id, t.id as home_id, t.name as home_name
    from teams t, generate_series($3::integer, $4::integer) n where t.organization_id = $1::uuid and t.home
  )`

const people = `
  with ${given}, described as (select *, replace($7, '#', n::text)::jsonb as attributes from given)
  insert into users (organization_id, id, connection_id, managed, user_name, user_name_key, external_id, status,
                     attributes, email_keys, display_name, created_at, updated_at)
  select organization_id, ${idSql('user')}, connection_id, true, replace($5, '#', n::text),
    lower(replace($5, '#', n::text)), replace($6, '#', n::text), 'ready', attributes,
    lower(jsonb_path_query_array(attributes, '$.emails[*].value')::text)::jsonb, attributes ->> 'displayName',
    now(), now()
  from described`

const workspaces = `
  with ${given} insert into workspaces (organization_id, id, team_id, name, default_of, created_at)
  select organization_id, ${idSql('workspace')}, home_id, 'My workspace', ${idSql('user')}, now() from given`

const memberships = `
  with ${given}
  insert into memberships (organization_id, user_id, workspace_id, role, source, rule, created_at)
  select organization_id, ${idSql('user')}, ${idSql('workspace')}, 'owner', 'provisioning', 'default workspace', now()
  from given`

const eventColumns = `organization_id, id, at, type, actor, subject_type, subject_id, changed, policy_version, rule,
  request_id, data`

const created = `
  with ${given} insert into events (${eventColumns})
  select organization_id, ${idSql('created')}, now(), 'user.created', 'scim:' || connection_id, 'user', ${idSql('user')},
    array['userName', 'externalId'] || array(select jsonb_object_keys($5::jsonb)), 1, 'nobody known',
    gen_random_uuid(), jsonb_build_object('via', 'scim', 'connectionId', connection_id, 'active', true)
  from given`

const provisioned = `
  with ${given} insert into events (${eventColumns})
  select organization_id, ${idSql('provisioned')}, now(), 'user.provisioned', 'scim:' || connection_id, 'user',
    ${idSql('user')}, '{}', 1, 'default workspace', gen_random_uuid(),
    jsonb_build_object('via', 'scim', 'connectionId', connection_id, 'role', 'owner',
      'workspace', jsonb_build_object('id', ${idSql('workspace')}, 'name', 'My workspace'),
      'home', jsonb_build_object('id', home_id, 'name', home_name))
  from given`

const sessions = `
  with ${given}
  insert into sessions (organization_id, id, secret_hash, user_id, user_epoch, connection_id, workspace_id,
                        created_at, expires_at, seen_at, idle_at, touch_at)
  select organization_id, ${idSql('session')}, sha256(convert_to(${sessionSecretSql}, 'UTF8')), ${idSql('user')}, 0,
    connection_id, ${idSql('workspace')}, now(), now() + interval '1 day', now(), now() + interval '1 day',
    -- Of one in a hundred checks the use is noted: as if each session were checked every three seconds.
    case when n % 100 = 0 then now() else now() + interval '1 day' end
  from given`

const identities = `
  with ${given}
  insert into identities (organization_id, id, connection_id, issuer, subject, user_id, correlation, created_at)
  select organization_id, ${idSql('identity')}, connection_id, $5, replace($6, '#', n::text), ${idSql('user')},
    replace($6, '#', n::text), now() from given`

/** The people of these numbers, each with workspace, membership, login, events and a session. */
export async function populateUsher(
  client: pg.Client,
  { organizationId, connectionId, issuer }: Tenant,
  [first, last]: readonly [number, number],
): Promise<void> {
  const { userName, externalId, attributes } = templates
  const common = [organizationId, connectionId, first, last]
  // Keys checked row by row take minutes; that they hold is the invariants' to say.
  await client.query("set session_replication_role = 'replica'")
  await client.query(people, [...common, userName, externalId, attributes])
  await client.query(created, [...common, attributes])
  await client.query(identities, [...common, issuer, externalId])
  for (const statement of [workspaces, memberships, provisioned, sessions])
    await client.query(statement, common)
  await client.query("set session_replication_role = 'origin'")
  await settle(client)
}

/** After this, plans and pages are as they are in a database that has been there for a while. */
export async function settle(client: pg.Client): Promise<void> {
  await client.query('vacuum (analyze)')
  await client.query('checkpoint')
}
