/** Why somebody is held, and by which version of the policy that was found. */
export interface Withheld {
  readonly code: string
  readonly policyVersion: number
}

/** A CTE that keeps `person` among the held, for the reason that `$first` and the parameter after it say; none: nothing. */
export const withholding = (first: number): string => `
  waiting as (
    insert into held_people as h (organization_id, user_id, code, policy_version, since)
    select $1, person.id, $${first}, $${first + 1}::integer, $2 from person where $${first}::text is not null
    on conflict (organization_id, user_id) do update
      set code = excluded.code, policy_version = excluded.policy_version,
        since = case when h.code = excluded.code then h.since else excluded.since end
  )`

/** A condition on what writes a decision: the policy that made it, where `version` names one, is the newest still. */
export const byNewest = (version: string): string => `
  and (${version}::integer is null
    or not exists (select from policies where organization_id = $1 and version > ${version}::integer))`
