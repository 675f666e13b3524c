import type { FastifyReply, FastifyRequest } from 'fastify'
import {
  claimDomain,
  type DomainRow,
  deleteDomain,
  findDomain,
  holdAlone,
  listDomains,
  type Scope,
  transact,
} from '../../db/index.ts'
import { newSecret } from '../auth.ts'
import { domainEvent } from '../domains/events.ts'
import { domainOf } from '../domains/name.ts'
import { isPublicMail } from '../domains/public-mail.ts'
import { NoAnswer, proofOf } from '../domains/records.ts'
import { type Verification, verifyClaim } from '../domains/verify.ts'
import { Problem } from '../errors.ts'
import { type Admin, type AdminHandlers, notFound } from './admin.ts'
import { assertOrdinary } from './public-connection.ts'

const MOST_DOMAINS = 100

const view = (row: DomainRow) => ({
  domain: row.domain,
  status: row.verified_at ? 'verified' : 'pending',
  record: proofOf(row),
  createdAt: row.created_at.toISOString(),
  ...(row.verified_at && { verifiedAt: row.verified_at.toISOString() }),
  ...(row.missing_since && { missingSince: row.missing_since.toISOString() }),
  ...(row.lost_at && { lost: { at: row.lost_at.toISOString(), why: row.lost_why } }),
})

export function domainHandlers(admin: Admin): AdminHandlers {
  return {
    async listDomains(request: FastifyRequest) {
      return { items: (await listDomains(admin.scopeOf(request))).map(view) }
    },
    async claimDomain(request: FastifyRequest, reply: FastifyReply) {
      const scope = admin.scopeOf(request)
      const domain = claimable((request.body as { domain: string }).domain) // as the contract validated it
      await claim(scope, domain)
      return reply.code(201).send(view(await domainIn(scope, domain)))
    },
    async verifyDomain(request: FastifyRequest) {
      const scope = admin.scopeOf(request)
      const row = await domainIn(scope, nameIn(request))
      const outcome = await verifyClaim(scope, row, admin.resolveTxt).catch(unanswered)
      if (outcome !== 'verified') throw unverified(outcome, row)
      return view(await domainIn(scope, row.domain))
    },
    async deleteDomain(request: FastifyRequest, reply: FastifyReply) {
      const scope = admin.scopeOf(request)
      const domain = nameIn(request)
      if (!(await deleteDomain(scope, domain, [domainEvent(scope, 'domain.deleted', { domain })])))
        throw notFound('domain')
      return reply.code(204).send()
    },
  }
}

/** As it is compared: what is no domain names none. */
const nameIn = (request: FastifyRequest) => domainOf((request.params as { domain: string }).domain) ?? '' // as the path has it

async function domainIn(scope: Scope, domain: string): Promise<DomainRow> {
  const row = await findDomain(scope, domain)
  if (!row) throw notFound('domain')
  return row
}

function claimable(text: string): string {
  const domain = domainOf(text)
  if (domain === null) throw misnamed('is not a domain')
  if (isPublicMail(domain)) throw misnamed('is a domain where anybody gets a mailbox')
  return domain
}

function misnamed(message: string): Problem {
  const path = 'body/domain'
  return new Problem('invalid_request', `${path} ${message}.`, { errors: [{ path, message }] })
}

async function claim(scope: Scope, domain: string): Promise<void> {
  await assertOrdinary(scope)
  await transact(scope.db, async (db) => {
    const held = { ...scope, db }
    await holdAlone(held, 'domains')
    if ((await listDomains(held)).length >= MOST_DOMAINS)
      throw new Problem('conflict', `An organization claims ${MOST_DOMAINS} domains at most.`)
    const event = domainEvent(held, 'domain.claimed', { domain })
    if (!(await claimDomain(held, { domain, challenge: newSecret() }, [event])))
      throw new Problem('conflict', `The organization claims ${domain} already.`)
  })
}

function unverified(outcome: Exclude<Verification, 'verified'>, row: DomainRow): Problem {
  const { name, value } = proofOf(row)
  const sentences = {
    missing: `There is no TXT record "${value}" at ${name}. A new one may take hours to be seen.`,
    held: 'Another organization has this domain, and its record is still there.',
  }
  return new Problem('conflict', sentences[outcome])
}

function unanswered(cause: unknown): never {
  if (!(cause instanceof NoAnswer)) throw cause
  throw new Problem('bad_gateway', 'The name servers of this domain do not answer; try again later.', {
    cause,
  })
}
