import { randomUUID } from 'node:crypto'
import { rollOut } from '../../src/provisioning/rollout.ts'
import { patchOp, person } from './people.ts'
import type { Pusher, Usher } from './usher.ts'

/** An organization with a workspace and a team that rules of groups give roles in. */
export interface RoleScene extends Pusher {
  readonly id: string
  readonly path: string
  readonly workspace: string
  readonly team: string
  /** Has the rules put into effect as far as they can be. */
  readonly work: () => Promise<void>
  /** Patches the policy; its version. */
  readonly rule: (policy: object) => Promise<number>
  readonly push: (userName: string, more?: object) => Promise<string>
  readonly group: (displayName: string, ...ids: string[]) => Promise<string>
}

export async function roleScene(usher: Usher): Promise<RoleScene> {
  const pusher = await usher.makePusher()
  const { scim, organization } = pusher
  const { id, path } = organization
  const [workspace, team] = [randomUUID(), randomUUID()]
  await usher.rows(
    `with crew as (insert into teams (organization_id, id, name, created_at) values ($1, $3, 'Crew', now()))
     insert into workspaces (organization_id, id, team_id, name, created_at)
     select $1, $2, id, 'Yard', now() from teams where organization_id = $1 and home`,
    [id, workspace, team],
  )
  return {
    ...{ ...pusher, id, path, workspace, team },
    work: () => rollOut({ db: usher.db, clock: () => new Date() }, new AbortController().signal),
    rule: async (policy) => {
      const answer = await usher.admin('PATCH', `${path}/policy`, policy)
      if (answer.status !== 200) throw new Error(answer.text)
      return Number(answer.body.version)
    },
    push: async (userName, more = {}) =>
      (await scim('POST', '/Users', { ...person(userName), ...more })).body.id,
    group: async (displayName, ...ids) => {
      const members = ids.map((value) => ({ value }))
      const answer = await scim('POST', '/Groups', { displayName, members })
      if (answer.status !== 201) throw new Error(answer.text)
      return answer.body.id
    },
  }
}

export const members = (op: 'add' | 'remove', ...ids: string[]) =>
  patchOp({ Operations: [{ op, path: 'members', value: ids.map((value) => ({ value })) }] })

/** Each role that somebody has by a rule, as `<rule> <place> <role>`. */
export async function rolesOf(usher: Usher, userId: string): Promise<string[]> {
  const rows = await usher.rows<{ told: string }>(
    `select rule || ' ' || workspace_id || ' ' || role as told from memberships
     where user_id = $1 and source = 'group-rule'
     union all select rule || ' ' || team_id || ' ' || role from team_memberships
     where user_id = $1 and source = 'group-rule'`,
    [userId],
  )
  return rows.map(({ told }) => told).sort()
}
