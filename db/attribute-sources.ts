import { query } from './connect.ts'
import { type NewEvent, recording, written } from './events.ts'
import type { Scope } from './scope.ts'
import { displayNameOf, emailKeysOf, managerOf } from './user-keys.ts'

/** Who may say what an attribute of a person is. */
export type Source = 'scim' | 'sign-in' | 'administrator'

/** What one source says of an attribute. */
export interface Word {
  readonly value: unknown
  /** Of an administrator: who, when, and of an override, until when. */
  readonly by?: string
  readonly at?: string
  readonly until?: string
}

/** Of one attribute, who is heard, and what each says. */
export interface Heard {
  readonly source: Source
  readonly said: { readonly [source in Source]?: Word }
}

/** By their full names, the attributes on which anybody but the keeper of the record is or was heard. */
export type Sources = Readonly<Record<string, Heard>>

export interface SourcesWrite {
  readonly id: string
  readonly version: number
  readonly attributes: Readonly<Record<string, unknown>>
  readonly sources: Sources | null
  /** When the first override ends. */
  readonly ends: Date | null
  readonly events: readonly NewEvent[]
}

const write = {
  name: 'write_attribute_sources',
  text: `
  with person as (
    update users set attributes = $8::jsonb, email_keys = ${emailKeysOf('$8::jsonb')},
      display_name = ${displayNameOf('$8::jsonb')}, manager = ${managerOf('$8::jsonb')}, sources = $9::jsonb,
      version = version + 1, updated_at = $2
    where organization_id = $1 and id = $6 and version = $7
    returning id
  ), ending as (
    insert into attribute_ends (organization_id, user_id, at)
    select $1, person.id, $10 from person where $10::timestamptz is not null
    on conflict (organization_id, user_id) do update set at = excluded.at
  ), endless as (
    delete from attribute_ends e using person
    where e.organization_id = $1 and e.user_id = person.id and $10::timestamptz is null
  ), ${recording('person')}
  select id from person`,
}

/** Writes who is heard on the attributes of somebody whose version is still that; nothing else of them changes. */
export async function writeSources(scope: Scope, row: SourcesWrite): Promise<boolean> {
  const { id, version, attributes, sources, ends, events } = row
  const documents = [JSON.stringify(attributes), sources && JSON.stringify(sources)]
  const values = [...written(scope, events), id, version, ...documents, ends]
  return (await query(scope.db, write, values)).length === 1
}

const postpone = {
  name: 'postpone_attribute_end',
  text: `
  with gone as (
    delete from attribute_ends where organization_id = $1 and user_id = $2 and $3::timestamptz is null
  )
  update attribute_ends set at = $3 where organization_id = $1 and user_id = $2 and $3::timestamptz is not null`,
}

/** When somebody is to be looked at again of whom nothing has ended; null: not by themselves. */
export async function postponeEnd(
  { db, organizationId }: Scope,
  userId: string,
  at: Date | null,
): Promise<void> {
  await query(db, postpone, [organizationId, userId, at])
}

const due = {
  name: 'due_attribute_ends',
  text: `select user_id as id from attribute_ends where organization_id = $1 and at <= $2 order by at, user_id limit $3`,
}

/** People who are to be looked at by now. */
export async function dueEnds(
  { db, organizationId, now }: Scope,
  { limit }: { limit: number },
): Promise<string[]> {
  return (await query<{ id: string }>(db, due, [organizationId, now, limit])).map(({ id }) => id)
}

// `users` has no index on the sources, which every create would be asked about; another policy is rare.
const review = {
  name: 'review_attribute_sources',
  text: `
  insert into attribute_ends as e (organization_id, user_id, at)
  select $1, u.id, $2 from users u where u.organization_id = $1 and u.sources is not null
  on conflict (organization_id, user_id) do update set at = least(e.at, excluded.at)`,
}

/** Has everybody looked at of whom more than one source has spoken: the order of the sources is another. */
export async function reviewSources({ db, organizationId, now }: Scope): Promise<void> {
  await query(db, review, [organizationId, now])
}
