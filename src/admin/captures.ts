import type { FastifyReply, FastifyRequest } from 'fastify'
import {
  type CaptureRow,
  capturablePeople,
  countCapturable,
  currentPolicy,
  findDomain,
  findUser,
  latestCapture,
  listConnections,
  type Scope,
  startCapture,
} from '../../db/index.ts'
import { domainEvent } from '../domains/events.ts'
import { domainOf } from '../domains/name.ts'
import { Problem } from '../errors.ts'
import { NO_ID, newId } from '../ids.ts'
import { policyOf } from '../provisioning/policy.ts'
import { type Admin, type AdminHandlers, notFound } from './admin.ts'

const MOST_SHOWN = 100

/** Who of personal organizations would come into the one that has verified their domain, and their coming. */
export function captureHandlers(admin: Admin): AdminHandlers {
  return {
    async getCapture(request: FastifyRequest) {
      const scope = admin.scopeOf(request)
      return view(scope, await verifiedDomain(scope, request))
    },
    async startCapture(request: FastifyRequest, reply: FastifyReply) {
      const scope = admin.scopeOf(request)
      const domain = await verifiedDomain(scope, request)
      const { connectionId: wished } = (request.body ?? {}) as { connectionId?: string } // as the contract validated it
      await assertLinking(scope)
      const connectionId = await connectionFor(scope, wished)
      const id = newId()
      const event = domainEvent(scope, 'domain.capture-started', { domain, captureId: id, connectionId })
      await startCapture(scope, { id, domain, connectionId }, [event])
      return reply.code(202).send(await view(scope, domain))
    },
  }
}

async function verifiedDomain(scope: Scope, request: FastifyRequest): Promise<string> {
  const domain = domainOf((request.params as { domain: string }).domain) ?? '' // as the path has it
  const row = await findDomain(scope, domain)
  if (!row) throw notFound('domain')
  if (!row.verified_at) throw new Problem('conflict', 'The domain is not verified.')
  return domain
}

/** They are found again by their address: else whoever comes could not sign in. */
async function assertLinking(scope: Scope): Promise<void> {
  const row = await currentPolicy(scope)
  if (!row || !policyOf(row).linking.email)
    throw new Problem('conflict', 'The policy must link sign-ins by e-mail (linking.email) first.')
}

async function connectionFor(scope: Scope, wished: string | undefined): Promise<string> {
  const rows = await listConnections(scope, { limit: MOST_SHOWN })
  const fitting = rows.filter(({ id, issuer, status }) => {
    return issuer !== null && status === 'active' && (wished === undefined || id === wished)
  })
  const [connection, ...others] = fitting
  if (!connection) throw new Problem('conflict', 'There is no such connection by which people sign in.')
  if (others.length > 0) throw new Problem('invalid_request', 'Say by which connectionId they will sign in.')
  return connection.id
}

async function view(scope: Scope, domain: string): Promise<object> {
  const rows = await capturablePeople(scope.db, { domain, after: NO_ID, limit: MOST_SHOWN })
  const people = await Promise.all(
    rows.map(async ({ organization_id: organizationId, user_id }) => {
      const person = await findUser({ ...scope, organizationId }, user_id)
      return { organizationId, userId: user_id, ...(person && { userName: person.user_name }) }
    }),
  )
  const capture = await latestCapture(scope, domain)
  const waiting = await countCapturable(scope.db, domain)
  return { domain, waiting, people, ...(capture && { capture: captureView(capture) }) }
}

const captureView = ({ id, connection_id, created_at, finished_at, made, already_there }: CaptureRow) => ({
  id,
  connectionId: connection_id,
  startedAt: created_at.toISOString(),
  ...(finished_at && { finishedAt: finished_at.toISOString() }),
  made,
  alreadyThere: already_there,
})
