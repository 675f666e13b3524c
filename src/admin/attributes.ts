import type { FastifyReply, FastifyRequest } from 'fastify'
import { findRecord, type Scope, scimSettings, type UserRow, type Word } from '../../db/index.ts'
import { Problem } from '../errors.ts'
import { namesIn, valueAt } from '../provisioning/attribute-names.ts'
import { sayAttribute, unsayAttribute } from '../provisioning/overrides.ts'
import { allSources, saidOf, sourceOf } from '../provisioning/sources.ts'
import { peopleType, type Spoken, spokenAttribute } from '../translate/attributes.ts'
import { type Admin, type AdminHandlers, notFound } from './admin.ts'
import { personOf } from './users.ts'
import { checkIfMatch, versionTag } from './versions.ts'

const DAY = 24 * 60 * 60_000
const MOST_DAYS = 366

/** What is said of a person, by whom, and what an administrator says of it. */
export function attributeHandlers(admin: Admin): AdminHandlers {
  return {
    async listUserAttributes(request: FastifyRequest, reply: FastifyReply) {
      const user = await recordOf(admin, request)
      const type = peopleType(await schemasOf(admin.scopeOf(request)))
      const names = new Set([...namesIn(user.attributes), ...Object.keys(user.sources ?? {})])
      const shown = [...names].filter((name) => spokenAttribute(name, type)).sort()
      reply.header('etag', versionTag(user.version))
      return { items: shown.map((name) => attributeView(user, name)) }
    },
    async putUserAttribute(request: FastifyRequest, reply: FastifyReply) {
      const scope = admin.scopeOf(request)
      const { wish, attribute, user } = await asked(admin, request)
      const body = request.body as { value: unknown; until?: string } // as the contract validated it
      const until = untilIn(body.until, scope.now)
      const value = await admin.readAttribute(scope, user, { attribute, value: body.value })
      return show(reply, await sayAttribute(scope, { ...wish, value, until }), wish.name)
    },
    async deleteUserAttribute(request: FastifyRequest, reply: FastifyReply) {
      const { wish } = await asked(admin, request)
      if (!(await unsayAttribute(admin.scopeOf(request), wish))) throw notFound('user')
      return reply.code(204).send()
    },
  }
}

async function recordOf(admin: Admin, request: FastifyRequest): Promise<UserRow> {
  const { id } = await personOf(admin, request)
  const row = await findRecord(admin.scopeOf(request), id)
  if (!row) throw notFound('user')
  return row
}

const schemasOf = async (scope: Scope) => (await scimSettings(scope))?.schemas ?? null

async function asked(admin: Admin, request: FastifyRequest) {
  const user = await recordOf(admin, request)
  const attribute = await attributeIn(admin.scopeOf(request), request)
  const check = ({ version }: UserRow) => checkIfMatch(request, version)
  return { user, attribute, wish: { userId: user.id, name: attribute.fullName, check } }
}

async function attributeIn(scope: Scope, request: FastifyRequest): Promise<Spoken> {
  const { attribute } = request.params as { attribute: string } // as the path has it
  const found = spokenAttribute(attribute, peopleType(await schemasOf(scope)))
  if (!found) throw notFound('attribute that an administrator may say')
  return found
}

function untilIn(said: string | undefined, now: Date): Date | undefined {
  if (said === undefined) return undefined
  const until = new Date(said)
  if (until > now && until.getTime() <= now.getTime() + MOST_DAYS * DAY) return until
  const message = `must be after now, and at most ${MOST_DAYS} days from it`
  throw new Problem('invalid_request', `body/until ${message}.`, {
    errors: [{ path: 'body/until', message }],
  })
}

function show(reply: FastifyReply, user: UserRow | null, name: string): object {
  if (!user) throw notFound('user')
  reply.header('etag', versionTag(user.version))
  return attributeView(user, name)
}

function attributeView(user: UserRow, name: string): object {
  const source = sourceOf(user, name)
  const said = saidOf(user, name)
  const beneath = allSources.flatMap((one) => {
    const word = one === source ? undefined : said[one]
    return word ? [{ source: one, ...wordView(word) }] : []
  })
  return {
    name,
    source,
    ...wordView(said[source] ?? { value: valueAt(user.attributes, name) }),
    ...(beneath.length > 0 && { beneath }),
  }
}

const wordView = ({ value, until, by, at }: Word) => ({
  value,
  ...(until !== undefined && { until }),
  ...(by !== undefined && { by }),
  ...(at !== undefined && { at }),
})
