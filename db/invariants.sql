-- What must hold of every database, whatever happened to it. Each query returns what breaks its rule: no row, ever.
-- Run by `usher doctor` and after every experiment. Reads across organizations, so only operators run it.

-- name: whoever is ready has a default workspace, or is where a decision has put them
select u.organization_id, u.id
from users u
where u.status = 'ready'
  and not exists (select from workspaces w where w.organization_id = u.organization_id and w.default_of = u.id)
  and not exists (select from events e where e.organization_id = u.organization_id and e.subject_id = u.id
                  and e.type = 'user.provisioned');

-- name: whoever is ready has a role in the place that was given last, or in a workspace of their own
select u.organization_id, u.id
from users u join lateral (
  select e.data #>> '{workspace,id}' as workspace_id from events e
  where e.organization_id = u.organization_id and e.subject_id = u.id and e.type = 'user.provisioned'
  order by e.id desc limit 1) given on given.workspace_id is not null
where u.status = 'ready'
  and not exists (select from workspaces w where w.organization_id = u.organization_id and w.default_of = u.id)
  and not exists (select from memberships m where m.organization_id = u.organization_id and m.user_id = u.id
                  and m.workspace_id = given.workspace_id::uuid);

-- name: who has a default workspace has a role in it, and it a home
select w.organization_id, w.id
from workspaces w
left join memberships m on m.organization_id = w.organization_id and m.user_id = w.default_of and m.workspace_id = w.id
left join teams t on t.organization_id = w.organization_id and t.id = w.team_id
where w.default_of is not null and w.status = 'active' and (m.role is null or t.id is null);

-- name: a person has one default workspace at most
select organization_id, default_of from workspaces
where default_of is not null group by organization_id, default_of having count(*) > 1;

-- name: a workspace has an owner who is active, suspended or leaving, or waits for one, unless a rule makes nobody owner of their own
select w.organization_id, w.id
from workspaces w
where w.status = 'active' and not exists (
  select from transfers t where t.organization_id = w.organization_id and t.workspace_id = w.id
) and not exists (
  select from memberships m
  where m.organization_id = w.organization_id and m.workspace_id = w.id and m.user_id = w.default_of
    and m.source = 'provisioning' and m.role <> 'owner'
) and not exists (
  select from memberships m join users u on u.organization_id = m.organization_id and u.id = m.user_id
  where m.organization_id = w.organization_id and m.workspace_id = w.id and m.role = 'owner'
    and u.status in ('ready', 'suspended', 'leaving')
    and (m.source = 'administrator' or not exists (
      select from memberships a
      where a.organization_id = m.organization_id and a.user_id = m.user_id and a.workspace_id = m.workspace_id
        and a.source = 'administrator')));

-- name: nobody suspended owns alone for longer than the policy keeps it; as of an hour before the worker's last round
select w.organization_id, w.id, u.id as user_id
from leases l
join users u on u.status = 'suspended'
join organizations o on o.id = u.organization_id and o.status = 'active'
join memberships m on m.organization_id = u.organization_id and m.user_id = u.id and m.role = 'owner'
join workspaces w on w.organization_id = u.organization_id and w.id = m.workspace_id and w.status = 'active'
join lateral (select document, created_at from policies p where p.organization_id = u.organization_id
              order by version desc limit 1) p on true
where l.name = 'domains' and greatest(
    p.created_at, m.created_at, (select max(e.at) from events e
      where e.organization_id = u.organization_id and e.subject_id = u.id
        and e.type in ('user.created', 'user.suspended', 'user.restored', 'user.hold-lifted'))
  ) + (p.document #>> '{suspended,keepDays}')::integer * interval '1 day' < l.expires_at - interval '70 minutes'
  and not coalesce(p.document #> '{protected,users}' ? u.id::text, false)
  and not exists (select from legal_holds h where h.organization_id = u.organization_id and h.user_id = u.id)
  and not exists (select from brakes b where b.organization_id = u.organization_id and b.held_since is not null)
  and not exists (select from transfers t where t.organization_id = w.organization_id and t.workspace_id = w.id)
  and not exists (
    select from memberships a join users other on other.organization_id = a.organization_id and other.id = a.user_id
    where a.organization_id = w.organization_id and a.workspace_id = w.id and a.role = 'owner'
      and other.status = 'ready');

-- name: the default workspace of whoever is ready is active
select u.organization_id, u.id
from users u join workspaces w on w.organization_id = u.organization_id and w.default_of = u.id
where u.status = 'ready' and w.status <> 'active';

-- name: a workspace is in a team that there is, and nobody's default or somebody's
select w.organization_id, w.id
from workspaces w
left join teams t on t.organization_id = w.organization_id and t.id = w.team_id
left join users u on u.organization_id = w.organization_id and u.id = w.default_of
where t.id is null or (w.default_of is not null and u.id is null);

-- name: a role is somebody's, in a workspace that there is
select m.organization_id, m.user_id, m.workspace_id
from memberships m
left join users u on u.organization_id = m.organization_id and u.id = m.user_id
left join workspaces w on w.organization_id = m.organization_id and w.id = m.workspace_id
where u.id is null or w.id is null;

-- name: what is held is held by the brake
select r.organization_id, r.id
from reevaluations r left join brakes b on b.organization_id = r.organization_id
where r.state = 'held' and b.held_since is null;

-- name: a role in a team is somebody's, in a team that there is
select m.organization_id, m.user_id, m.team_id
from team_memberships m
left join users u on u.organization_id = m.organization_id and u.id = m.user_id
left join teams t on t.organization_id = m.organization_id and t.id = m.team_id
where u.id is null or t.id is null;

-- name: what others than its members see is a workspace that there is
select v.organization_id, v.workspace_id
from visible_workspaces v
left join workspaces w on w.organization_id = v.organization_id and w.id = v.workspace_id
where w.id is null or v.visibility = 'private';

-- name: a userName is one person's in an organization
select organization_id, user_name_key from users
where deleted_at is null group by organization_id, user_name_key having count(*) > 1;

-- name: a userName is kept under its key
select organization_id, id from users where user_name ~ '^[ -~]*$' and user_name_key <> lower(user_name);

-- name: an externalId is one person's on a connection
select organization_id, connection_id, external_id from users
where deleted_at is null and external_id is not null
group by organization_id, connection_id, external_id having count(*) > 1;

-- name: a login is one person's
select organization_id, connection_id, issuer, subject from identities
group by organization_id, connection_id, issuer, subject having count(*) > 1;

-- name: status, reason and time of deletion agree
select organization_id, id from users
where (status in ('leaving', 'archived', 'erased')) <> (deleted_at is not null)
   or (status = 'held' and reason is null) or (status not in ('held', 'suspended') and reason is not null);

-- name: whoever is leaving is found as such
select u.organization_id, u.id from users u
left join departures d on d.organization_id = u.organization_id and d.user_id = u.id
where u.status = 'leaving' and d.since is distinct from u.deleted_at;

-- name: whoever is said to leave, or to have an override that ends, is somebody that there is
select d.organization_id, d.user_id from (
  select organization_id, user_id from departures union all select organization_id, user_id from attribute_ends) d
left join users u on u.organization_id = d.organization_id and u.id = d.user_id
where u.id is null;

-- name: whoever is held is so for one reason, and nobody else
select coalesce(u.organization_id, h.organization_id), coalesce(u.id, h.user_id)
from (select organization_id, id, reason from users where status = 'held') u
full join held_people h on h.organization_id = u.organization_id and h.user_id = u.id
where u.reason is distinct from h.code;

-- name: whoever is held has got no place
select u.organization_id, u.id from users u
where u.status = 'held' and (
  exists (select from workspaces w where w.organization_id = u.organization_id and w.default_of = u.id)
  or exists (select from memberships m where m.organization_id = u.organization_id and m.user_id = u.id
             and m.source = 'provisioning'));

-- name: nobody who was erased is told of
select u.organization_id, u.id from users u
where u.status = 'erased' and (u.attributes <> '{}' or u.external_id is not null or u.sources is not null
  or exists (select from identities i where i.organization_id = u.organization_id and i.user_id = u.id)
  or exists (select from group_members g where g.organization_id = u.organization_id and g.user_id = u.id)
  or exists (select from event_personal e where e.organization_id = u.organization_id and e.user_id = u.id));

-- name: what waits for an owner is a workspace that there is, and was somebody's
select t.organization_id, t.workspace_id from transfers t
left join workspaces w on w.organization_id = t.organization_id and w.id = t.workspace_id
left join users u on u.organization_id = t.organization_id and u.id = t.user_id
where w.id is null or u.id is null;

-- name: the keys of a person are those in the attributes
select organization_id, id from users
where email_keys <> lower(jsonb_path_query_array(attributes, '$.emails[*].value')::text)::jsonb
   or display_name is distinct from attributes ->> 'displayName'
   or manager is distinct from
      attributes #>> '{urn:ietf:params:scim:schemas:extension:enterprise:2.0:User,manager,value}';

-- name: an attribute is what the source says that is heard
select u.organization_id, u.id from users u, jsonb_each(u.sources) s(name, heard)
where s.heard -> 'said' -> (s.heard ->> 'source') -> 'value' is distinct from
  (case when s.name like '%:%' then u.attributes -> substring(s.name from '^(.*):') else u.attributes end)
    -> substring(s.name from '[^:]*$');

-- name: whoever has an override that ends is found by then
select u.organization_id, u.id from users u, jsonb_each(u.sources) s(name, heard)
where u.status <> 'erased' and s.heard -> 'said' -> 'administrator' ? 'until' and not exists (
  select from attribute_ends e where e.organization_id = u.organization_id and e.user_id = u.id
    and e.at <= (s.heard -> 'said' -> 'administrator' ->> 'until')::timestamptz);

-- name: nobody who is not ready has a session that counts
select s.organization_id, s.id
from sessions s join users u on u.organization_id = s.organization_id and u.id = s.user_id
where u.status <> 'ready' and s.user_epoch = u.session_epoch;

-- name: who was given a workspace has the event that says so, once
select w.organization_id, w.default_of
from workspaces w
where w.default_of is not null and 1 <> (
  select count(*) from events e
  where e.organization_id = w.organization_id and e.subject_id = w.default_of and e.type = 'user.provisioned'
    and e.data -> 'workspace' ->> 'id' = w.id::text);

-- name: a member is somebody, and of a group that there is
select m.organization_id, m.group_id, m.user_id
from group_members m
left join groups g on g.organization_id = m.organization_id and g.id = m.group_id
left join users u on u.organization_id = m.organization_id and u.id = m.user_id
where g.id is null or u.id is null;

-- name: no group is a member of itself, be it through others
with recursive held as (
  select m.organization_id, m.group_id, m.subgroup_id from group_subgroups m
  join groups g on g.organization_id = m.organization_id and g.id = m.group_id and g.deleted_at is null
  join groups s on s.organization_id = m.organization_id and s.id = m.subgroup_id and s.deleted_at is null
), inside as (
  select organization_id, group_id, subgroup_id from held
  union
  select i.organization_id, i.group_id, h.subgroup_id from inside i
  join held h on h.organization_id = i.organization_id and h.group_id = i.subgroup_id
)
select distinct organization_id, group_id from inside where group_id = subgroup_id;

-- name: everybody has the event of their making, once
select u.organization_id, u.id from users u
where 1 <> (select count(*) from events e
            where e.organization_id = u.organization_id and e.subject_id = u.id and e.type = 'user.created');

-- name: every row is of an organization that there is
select x.organization_id, x.found_in from (
  select organization_id, 'attribute_ends' as found_in from attribute_ends
  union select organization_id, 'brakes' from brakes
  union select organization_id, 'connections' from connections
  union select organization_id, 'departures' from departures
  union select organization_id, 'event_numbers' from event_numbers
  union select organization_id, 'event_personal' from event_personal
  union select organization_id, 'events' from events
  union select organization_id, 'group_members' from group_members
  union select organization_id, 'logos' from logos
  union select organization_id, 'memberships' from memberships
  union select organization_id, 'policies' from policies
  union select organization_id, 'reevaluations' from reevaluations
  union select organization_id, 'requests' from requests
  union select organization_id, 'scim_schemas' from scim_schemas
  union select organization_id, 'scim_values' from scim_values
  union select organization_id, 'team_memberships' from team_memberships
  union select organization_id, 'teams' from teams
  union select organization_id, 'transfers' from transfers
  union select organization_id, 'users' from users
  union select organization_id, 'visible_workspaces' from visible_workspaces
  union select organization_id, 'workspaces' from workspaces) x
left join organizations o on o.id = x.organization_id
where o.id is null;

-- name: what an event is about is not of another organization, and a person is one that there is
select e.organization_id, e.id from events e
left join users u on e.subject_type = 'user' and u.organization_id = e.organization_id and u.id = e.subject_id
left join workspaces w on e.subject_type = 'workspace' and w.id = e.subject_id
left join teams t on e.subject_type = 'team' and t.id = e.subject_id
left join groups g on e.subject_type = 'group' and g.id = e.subject_id
left join connection_directory c on e.subject_type = 'connection' and c.id = e.subject_id
where (e.subject_type = 'user' and u.id is null) or w.organization_id <> e.organization_id
   or t.organization_id <> e.organization_id or g.organization_id <> e.organization_id
   or c.organization_id <> e.organization_id;

-- name: what is kept apart of an event is of one that there is, and of somebody
select x.organization_id, x.event_id from (
  select organization_id, event_id, null as user_id from event_numbers
  union all select organization_id, event_id, user_id from event_personal) x
left join events e on e.organization_id = x.organization_id and e.id = x.event_id
left join users u on u.organization_id = x.organization_id and u.id = x.user_id
where e.id is null or (x.user_id is not null and u.id is null);

-- name: what was asked is noted with the organization whose connection it came by
select r.organization_id, r.id from requests r join connection_directory d on d.id = r.connection_id
where d.organization_id <> r.organization_id;

-- name: the policy in force names only what the organization has
select p.organization_id, n.of, n.id
from (select distinct on (organization_id) organization_id, document from policies
      order by organization_id, version desc) p
cross join lateral (
  select 'workspace' as of, p.document #>> '{workspace,join}' as id
  union select 'workspace', g #>> '{give,workspace}' from jsonb_array_elements(p.document -> 'groups') g
  union select 'team', g #>> '{give,team}' from jsonb_array_elements(p.document -> 'groups') g
  union select 'team', t.value from jsonb_each_text(p.document #> '{homes,teams}') t
  union select 'user', u from jsonb_array_elements_text(p.document #> '{protected,users}') u
  union select 'user', t ->> 'user' from jsonb_array_elements(p.document #> '{leaving,to}') t
) n
where n.id is not null
  and (n.of <> 'workspace' or not exists (
    select from workspaces w where w.organization_id = p.organization_id and w.id = n.id::uuid))
  and (n.of <> 'team' or not exists (
    select from teams t where t.organization_id = p.organization_id and t.id = n.id::uuid))
  and (n.of <> 'user' or not exists (
    select from users u where u.organization_id = p.organization_id and u.id = n.id::uuid));

-- name: a conflict is answered with somebody that there is
select c.organization_id, c.id from conflicts c
where c.answer ->> 'userId' is not null and not exists (
  select from users u where u.organization_id = c.organization_id and u.id = (c.answer ->> 'userId')::uuid);

-- name: an organization has one home team and a policy
select o.id from organizations o
where 1 <> (select count(*) from teams t where t.organization_id = o.id and t.home)
   or not exists (select from policies p where p.organization_id = o.id);

-- name: only of a verified domain the record can go missing
select organization_id, domain from domains where missing_since is not null and verified_at is null;

-- name: a connection is in the directory under its organization
select c.organization_id, c.id from connections c
left join connection_directory d on d.id = c.id
where d.organization_id is distinct from c.organization_id
  and not exists (select from organizations o where o.id = c.organization_id and o.kind = 'personal'
                  and exists (select from organizations e where e.id = d.organization_id and e.kind = 'environment'));

-- name: a login of the public connection leads to a person that there is, in an organization of their own
select p.issuer, p.subject from public_identities p
left join organizations o on o.id = p.organization_id and o.kind = 'personal'
left join users u on u.organization_id = p.organization_id and u.id = p.user_id
where o.id is null or u.id is null;

-- name: a personal organization has one person, and the login that leads to it
select o.id from organizations o
where o.kind = 'personal'
  and (1 <> (select count(*) from users u where u.organization_id = o.id)
    or 1 <> (select count(*) from public_identities p where p.organization_id = o.id));

-- name: onboarding references nothing and nothing references it
select c.conname from pg_constraint c
join pg_class r on r.oid = c.conrelid join pg_class f on f.oid = c.confrelid
where c.contype = 'f'
  and (r.relnamespace = to_regnamespace('onboarding')) is distinct from (f.relnamespace = to_regnamespace('onboarding'));

-- name: what a client was given ends within the hour it was given for
select organization_id, id from scim_credentials
where client_id is not null and (expires_at is null or expires_at > created_at + interval '1 hour');

-- name: an open conflict has both its sides
select c.organization_id, c.id from conflicts c
where c.answered_at is null and (
  c.evidence -> 'newcomer' ->> 'userNameKey' is null
  or not exists (select from jsonb_array_elements(c.evidence -> 'people') p where p ->> 'id' = c.user_id::text)
  or exists (select from jsonb_array_elements(c.evidence -> 'people') p
             left join users u on u.organization_id = c.organization_id and u.id = (p ->> 'id')::uuid
             where u.id is null));

-- name: no rule of groups makes an owner, and each is one that some policy had
select m.organization_id, m.user_id, m.place from (
  select organization_id, user_id, workspace_id as place, role, source, rule from memberships
  union all select organization_id, user_id, team_id, role, source, rule from team_memberships) m
where m.source = 'group-rule' and (m.role = 'owner' or not exists (
  select from policies p where p.organization_id = m.organization_id
    and p.document -> 'groups' @> jsonb_build_array(jsonb_build_object('id', m.rule))));
