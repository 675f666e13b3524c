import type { Migration } from '../ddl.ts'

// Enumerations, and no check or generated column on the tables that pushes and sign-ins write: PostgreSQL parses
// those anew for every statement, which cost a create a quarter of its time. invariants.sql holds the rest.
const types = `
  create type user_status as enum ('staged', 'held', 'ready', 'suspended', 'leaving', 'archived', 'erased');
  create type workspace_status as enum ('active', 'archived');
  create type membership_role as enum ('owner', 'admin', 'member', 'viewer');
  create type membership_source as enum ('provisioning', 'group-rule', 'person', 'administrator');
  create type workspace_visibility as enum ('private', 'team', 'organization');`

/** Tables that are looked up before an organization is known, or belong to none. */
const globals: Record<string, string> = {
  organizations: `
    id uuid primary key,
    slug text not null unique,
    name text not null,
    kind text not null default 'enterprise' check (kind in ('enterprise', 'personal', 'environment')),
    status text not null default 'active' check (status in ('active', 'suspended', 'archived')),
    requests_per_second integer check (requests_per_second >= 25),
    checklist boolean not null default false,
    created_at timestamptz not null`,
  domains: `
    organization_id uuid not null references organizations (id),
    domain text not null check (domain = lower(domain)),
    challenge text not null,
    created_at timestamptz not null,
    verified_at timestamptz,
    checked_at timestamptz,
    missing_since timestamptz,
    lost_at timestamptz,
    lost_why text check (lost_why in ('record-missing', 'taken-over')),
    primary key (organization_id, domain)`,
  connection_directory: `
    id uuid primary key,
    organization_id uuid not null references organizations (id)`,
  // The user is empty only within the transaction that makes the person. The domain is that of an address that the
  // provider said at the last sign-in to be verified.
  public_identities: `
    issuer text not null,
    subject text not null,
    id uuid not null unique,
    organization_id uuid not null unique,
    user_id uuid,
    domain text,
    created_at timestamptz not null,
    captured_by uuid references organizations (id),
    captured_at timestamptz,
    primary key (issuer, subject),
    check ((captured_by is null) = (captured_at is null))`,
  admin_keys: `
    id uuid primary key,
    name text not null,
    secret_hash bytea not null unique,
    created_at timestamptz not null,
    expires_at timestamptz,
    revoked_at timestamptz`,
  signing_keys: `
    algorithm text not null check (algorithm in ('ES256', 'RS256')),
    generation integer not null,
    kid text not null unique,
    public_key jsonb not null,
    private_key text not null,
    signs_from timestamptz not null,
    created_at timestamptz not null,
    primary key (algorithm, generation)`,
  leases: `
    name text primary key,
    holder text not null,
    expires_at timestamptz not null`,
}

/** Tables of one organization: `organization_id` leads every key. In order of their references. */
const tables: Record<string, string> = {
  policies: `
    organization_id uuid not null,
    version integer not null,
    document jsonb not null,
    actor text not null,
    created_at timestamptz not null,
    primary key (organization_id, version)`,
  scim_schemas: `
    organization_id uuid not null,
    urn text not null check (urn = lower(urn)),
    resource_type text not null check (resource_type in ('User', 'Group')),
    document jsonb not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (organization_id, urn)`,
  scim_values: `
    organization_id uuid not null,
    kind text not null check (kind in ('role', 'entitlement')),
    key text not null check (key = lower(value)),
    value text not null,
    display text,
    type text,
    supported boolean not null,
    version integer not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (organization_id, kind, key)`,
  logos: `
    organization_id uuid not null primary key,
    type text not null check (type in ('image/png', 'image/jpeg', 'image/webp')),
    image bytea not null check (octet_length(image) <= 65536),
    version text not null,
    updated_at timestamptz not null`,
  teams: `
    organization_id uuid not null,
    id uuid not null,
    name text not null,
    home boolean not null default false,
    created_at timestamptz not null,
    primary key (organization_id, id)`,
  connections: `
    organization_id uuid not null,
    id uuid not null,
    name text not null,
    status text not null default 'active' check (status in ('active', 'disabled', 'deleted')),
    issuer text,
    client_id text,
    client_secret text,
    token_endpoint_auth_method text,
    correlation_claim text,
    scopes text[],
    scim_profile text check (scim_profile in ('lenient', 'strict')),
    scim_bare_token boolean not null default false,
    settings jsonb not null default '{}',
    signal_token text,
    pins jsonb,
    drift jsonb,
    version integer not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (organization_id, id),
    check (issuer is not null or scim_profile is not null)`,
  scim_clients: `
    organization_id uuid not null,
    id uuid not null,
    connection_id uuid not null,
    secret_hash bytea,
    jwks jsonb,
    jwks_url text,
    issuer text,
    subject text,
    audience text,
    created_at timestamptz not null,
    revoked_at timestamptz,
    last_used_at timestamptz,
    primary key (organization_id, id),
    foreign key (organization_id, connection_id) references connections,
    check (num_nonnulls(secret_hash, jwks, jwks_url) = 1),
    check (num_nonnulls(issuer, subject, audience) in (0, 3))`,
  scim_assertions: `
    organization_id uuid not null,
    client_id uuid not null,
    jti_hash bytea not null,
    expires_at timestamptz not null,
    primary key (organization_id, client_id, jti_hash),
    foreign key (organization_id, client_id) references scim_clients`,
  scim_credentials: `
    organization_id uuid not null,
    id uuid not null,
    connection_id uuid not null,
    client_id uuid,
    secret_hash bytea not null,
    created_at timestamptz not null,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    primary key (organization_id, id),
    unique (organization_id, secret_hash),
    foreign key (organization_id, connection_id) references connections,
    foreign key (organization_id, client_id) references scim_clients`,
  provider_documents: `
    organization_id uuid not null,
    connection_id uuid not null,
    kind text not null check (kind in ('discovery', 'keys', 'signal-keys', 'endpoints')),
    version integer not null,
    generation integer not null,
    body text,
    fetched_at timestamptz,
    failure jsonb,
    failed_at timestamptz,
    asking_until timestamptz,
    minute_from timestamptz not null,
    asked integer not null,
    primary key (organization_id, connection_id, kind),
    foreign key (organization_id, connection_id) references connections`,
  users: `
    organization_id uuid not null,
    id uuid not null,
    connection_id uuid,
    managed boolean not null,
    user_name text not null,
    user_name_key text not null,
    external_id text,
    display_name text,
    status user_status not null,
    reason text,
    attributes jsonb not null,
    email_keys jsonb not null,
    manager text,
    sources jsonb,
    version integer not null default 1,
    session_epoch integer not null default 0,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    primary key (organization_id, id) include (deleted_at),
    foreign key (organization_id, connection_id) references connections`,
  // Who has been deleted and is not archived yet: what is done about leavers is found by this, and `users` has no index
  // that a change of status would have to be written to. A row of somebody who came back means nothing.
  departures: `
    organization_id uuid not null,
    user_id uuid not null,
    since timestamptz not null,
    primary key (organization_id, user_id)`,
  // Of whom an attribute is to be looked at, and when: an override ends, or the policy hears its sources otherwise.
  attribute_ends: `
    organization_id uuid not null,
    user_id uuid not null,
    at timestamptz not null,
    primary key (organization_id, user_id)`,
  // Apart from the users as those who leave: why somebody is held, and by which policy that was found.
  held_people: `
    organization_id uuid not null,
    user_id uuid not null,
    code text not null,
    policy_version integer not null,
    since timestamptz not null,
    primary key (organization_id, user_id),
    foreign key (organization_id, user_id) references users`,
  legal_holds: `
    organization_id uuid not null,
    user_id uuid not null,
    reason text not null,
    actor text not null,
    created_at timestamptz not null,
    primary key (organization_id, user_id),
    foreign key (organization_id, user_id) references users`,
  // Workspaces that nobody could be made owner of yet.
  transfers: `
    organization_id uuid not null,
    workspace_id uuid not null,
    user_id uuid not null,
    created_at timestamptz not null,
    primary key (organization_id, workspace_id)`,
  brakes: `
    organization_id uuid not null,
    hour_from timestamptz not null,
    done integer not null,
    held_since timestamptz,
    released_until timestamptz,
    primary key (organization_id)`,
  identities: `
    organization_id uuid not null,
    id uuid not null,
    connection_id uuid not null,
    issuer text not null,
    subject text not null,
    user_id uuid not null,
    correlation text,
    created_at timestamptz not null,
    primary key (organization_id, id),
    unique (organization_id, connection_id, issuer, subject),
    foreign key (organization_id, connection_id) references connections,
    foreign key (organization_id, user_id) references users`,
  conflicts: `
    organization_id uuid not null,
    id uuid not null,
    connection_id uuid not null,
    newcomer bytea not null,
    user_id uuid not null,
    via text not null check (via in ('scim', 'sign-in')),
    code text not null
      check (code in ('user_name_taken', 'external_id_taken', 'ambiguous_person', 'login_taken')),
    evidence jsonb not null,
    seen integer not null default 1,
    first_at timestamptz not null,
    last_at timestamptz not null,
    request_id text not null,
    answer jsonb,
    answered_at timestamptz,
    answered_by text,
    primary key (organization_id, id),
    unique (organization_id, connection_id, newcomer, user_id),
    foreign key (organization_id, connection_id) references connections,
    foreign key (organization_id, user_id) references users,
    check (num_nonnulls(answer, answered_at, answered_by) in (0, 3))`,
  groups: `
    organization_id uuid not null,
    id uuid not null,
    connection_id uuid not null,
    display_name text not null,
    external_id text,
    attributes jsonb not null,
    version integer not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    primary key (organization_id, id),
    foreign key (organization_id, connection_id) references connections`,
  // No foreign keys: two looks for each row were two thirds of what it costs to add many. Members are only ever written
  // from a select of the group and of the people, neither of which is deleted; invariants.sql holds the rest.
  group_members: `
    organization_id uuid not null,
    group_id uuid not null,
    user_id uuid not null,
    primary key (organization_id, group_id, user_id)`,
  group_subgroups: `
    organization_id uuid not null,
    group_id uuid not null,
    subgroup_id uuid not null,
    primary key (organization_id, group_id, subgroup_id),
    foreign key (organization_id, group_id) references groups,
    foreign key (organization_id, subgroup_id) references groups,
    check (group_id <> subgroup_id)`,
  // No foreign keys on these two: the looks they took were a third of what the database does for a create. A default
  // workspace and the role in it are only ever written with the person, in a team of the policy, and nothing deletes a
  // person, a workspace or a team; invariants.sql holds the rest.
  workspaces: `
    organization_id uuid not null,
    id uuid not null,
    team_id uuid not null,
    name text not null,
    default_of uuid,
    status workspace_status not null default 'active',
    created_at timestamptz not null,
    primary key (organization_id, id)`,
  // One row for each source that gives a role; which of them counts is said in memberships.ts, and nowhere else.
  memberships: `
    organization_id uuid not null,
    user_id uuid not null,
    workspace_id uuid not null,
    role membership_role not null,
    source membership_source not null,
    rule text not null,
    created_at timestamptz not null,
    primary key (organization_id, user_id, workspace_id, source)`,
  team_memberships: `
    organization_id uuid not null,
    user_id uuid not null,
    team_id uuid not null,
    role membership_role not null,
    source membership_source not null,
    rule text not null,
    created_at timestamptz not null,
    primary key (organization_id, user_id, team_id, source)`,
  // Apart from the workspaces, which a create writes: without a row, one is seen by its members only.
  visible_workspaces: `
    organization_id uuid not null,
    workspace_id uuid not null,
    visibility workspace_visibility not null,
    primary key (organization_id, workspace_id)`,
  claimed_groups: `
    organization_id uuid not null,
    user_id uuid not null,
    connection_id uuid not null,
    names text[] not null,
    primary key (organization_id, user_id, connection_id),
    foreign key (organization_id, user_id) references users,
    foreign key (organization_id, connection_id) references connections`,
  reevaluations: `
    organization_id uuid not null,
    id uuid not null,
    policy_version integer,
    since_version integer,
    groups uuid[],
    cursor uuid,
    total integer,
    done integer not null,
    state text not null check (state in ('waiting', 'running', 'held', 'done', 'superseded')),
    created_at timestamptz not null,
    finished_at timestamptz,
    primary key (organization_id, id),
    check (num_nonnulls(policy_version, groups) = 1)`,
  sessions: `
    organization_id uuid not null,
    id uuid not null,
    secret_hash bytea not null,
    user_id uuid not null,
    user_epoch integer not null,
    connection_id uuid not null,
    workspace_id uuid,
    sid text,
    id_token text,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    authentication jsonb,
    seen_at timestamptz not null,
    touch_at timestamptz not null,
    idle_at timestamptz not null,
    primary key (organization_id, id),
    unique (organization_id, secret_hash),
    foreign key (organization_id, user_id) references users,
    foreign key (organization_id, connection_id) references connections,
    foreign key (organization_id, workspace_id) references workspaces`,
  sign_in_transactions: `
    organization_id uuid not null,
    state_hash bytea not null,
    connection_id uuid not null,
    issuer text not null,
    browser_hash bytea not null,
    nonce text not null,
    code_verifier text not null,
    return_to text not null,
    demand jsonb,
    test_id uuid,
    expires_at timestamptz not null,
    primary key (organization_id, state_hash),
    foreign key (organization_id, connection_id) references connections`,
  connection_tests: `
    organization_id uuid not null,
    id uuid not null,
    connection_id uuid not null,
    token_hash bytea not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    kept_until timestamptz not null,
    opened_at timestamptz,
    finished_at timestamptz,
    report jsonb,
    primary key (organization_id, id),
    unique (organization_id, token_hash),
    foreign key (organization_id, connection_id) references connections`,
  sign_outs: `
    organization_id uuid not null,
    connection_id uuid not null,
    login_hash bytea not null,
    at timestamptz not null,
    expires_at timestamptz not null,
    primary key (organization_id, connection_id, login_hash),
    foreign key (organization_id, connection_id) references connections`,
  spent_tokens: `
    organization_id uuid not null,
    connection_id uuid not null,
    jti_hash bytea not null,
    expires_at timestamptz not null,
    primary key (organization_id, connection_id, jti_hash),
    foreign key (organization_id, connection_id) references connections`,
  captures: `
    organization_id uuid not null,
    id uuid not null,
    domain text not null,
    connection_id uuid not null,
    actor text not null,
    created_at timestamptz not null,
    finished_at timestamptz,
    primary key (organization_id, id),
    foreign key (organization_id, connection_id) references connections`,
  captured_people: `
    organization_id uuid not null,
    source_organization_id uuid not null,
    capture_id uuid not null,
    user_id uuid not null,
    outcome text not null check (outcome in ('made', 'already-there')),
    created_at timestamptz not null,
    primary key (organization_id, source_organization_id),
    foreign key (organization_id, capture_id) references captures`,
  events: `
    organization_id uuid not null,
    id uuid not null,
    at timestamptz not null,
    type text not null,
    actor text not null,
    subject_type text not null,
    subject_id uuid not null,
    changed text[] not null,
    policy_version integer,
    rule text,
    request_id text,
    data jsonb not null,
    primary key (organization_id, id)`,
  event_personal: `
    organization_id uuid not null,
    user_id uuid not null,
    event_id uuid not null,
    data jsonb not null,
    primary key (organization_id, user_id, event_id)`,
  event_numbers: `
    organization_id uuid not null,
    seq bigint not null,
    event_id uuid not null,
    primary key (organization_id, seq),
    unique (organization_id, event_id)`,
  // Without any key to another table: what it tells of may be gone, and it may be told late, or never.
  requests: `
    organization_id uuid not null,
    id uuid not null,
    at timestamptz not null,
    kind text not null,
    connection_id uuid,
    credential_id uuid,
    subject_id uuid,
    method text,
    path text,
    query text,
    body json,
    status smallint,
    code text,
    detail text,
    duration integer,
    times integer not null,
    primary key (organization_id, id)`,
}

// A page keeps room for another version of a row: a change that touches no index then writes to none.
const storage: Record<string, string> = { users: 'fillfactor = 80' }

// For what identity providers ask, and no more: each costs every create, and one on what a PATCH changes would keep the
// row from being written in its place (HOT), which costs every index. So there is none on `status`, `updated_at` or any
// part of `attributes`. Of 100,000 people a page of the inactive takes 1 ms and their count 100 to 150 ms; those changed
// lately take 150 ms, and are rarely asked for. A partial index of the inactive would make the count 1 ms, and whoever
// goes or comes back ten times as dear; of a BRIN on `updated_at` nothing comes, since changes are all over the table.
const indexes = `
  create unique index teams_home on teams (organization_id) where home;
  create unique index teams_name on teams (organization_id, lower(name));
  create unique index connections_name on connections (organization_id, name) where status <> 'deleted';
  create unique index organizations_environment on organizations (kind) where kind = 'environment';
  create index public_identities_domain on public_identities (domain, id) where captured_by is null;
  create unique index captures_open on captures (organization_id, domain) where finished_at is null;
  create unique index domains_verified on domains (domain) where verified_at is not null;
  create index domains_checked on domains (checked_at) where verified_at is not null;
  create index scim_credentials_expiry on scim_credentials (organization_id, expires_at)
    where client_id is not null;
  create index scim_assertions_expiry on scim_assertions (organization_id, expires_at);
  create unique index users_user_name on users (organization_id, user_name_key) where deleted_at is null;
  create unique index users_external_id on users (organization_id, external_id, connection_id)
    where deleted_at is null;
  create index users_email on users using gin (email_keys jsonb_path_ops) with (fastupdate = off);
  create index users_restorable on users (organization_id, external_id, connection_id)
    where deleted_at is not null;
  create index users_display_name on users (organization_id, lower(display_name))
    where deleted_at is null;
  create index users_manager on users (organization_id, manager) where manager is not null;
  create index departures_since on departures (organization_id, since, user_id);
  create index attribute_ends_at on attribute_ends (organization_id, at);
  create index held_people_policy on held_people (organization_id, policy_version, user_id);
  create index identities_user on identities (organization_id, user_id);
  create index conflicts_open on conflicts (organization_id, id) where answered_at is null;
  create index groups_display_name on groups (organization_id, connection_id, lower(display_name))
    where deleted_at is null;
  create unique index groups_external_id on groups (organization_id, connection_id, external_id)
    where deleted_at is null;
  create index group_members_user on group_members (organization_id, user_id);
  create index group_subgroups_subgroup on group_subgroups (organization_id, subgroup_id);
  create unique index workspaces_default_of on workspaces (organization_id, default_of) where default_of is not null;
  create index memberships_workspace on memberships (organization_id, workspace_id, user_id);
  create index team_memberships_team on team_memberships (organization_id, team_id, user_id);
  create index reevaluations_open on reevaluations (organization_id) where state in ('waiting', 'running');
  create index sessions_user on sessions (organization_id, user_id);
  create index sessions_sid on sessions (organization_id, connection_id, sid) where sid is not null;
  create index sign_outs_expiry on sign_outs (organization_id, expires_at);
  create index spent_tokens_expiry on spent_tokens (organization_id, expires_at);
  create index sign_in_transactions_expiry on sign_in_transactions (organization_id, expires_at);
  create index events_subject on events (organization_id, subject_id, id);
  create index requests_subject on requests (organization_id, subject_id, id) where subject_id is not null;`

export const init: Migration = {
  name: '0001-init',
  async up(ddl) {
    await ddl.sql(types)
    for (const [name, body] of Object.entries(globals)) await ddl.global(name, body)
    for (const [name, body] of Object.entries(tables)) await ddl.table(name, body, storage[name])
    await ddl.sql(indexes)
  },
}
