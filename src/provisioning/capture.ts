import {
  archivePersonal,
  type CapturableRow,
  capturablePeople,
  type Db,
  findDomain,
  findMatches,
  findUser,
  finishCapture,
  insertPushed,
  isCaptured,
  noteCaptured,
  type OpenCapture,
  openCaptures,
  type ResourceRow,
  type Scope,
  transact,
  updateUser,
} from '../../db/index.ts'
import { eventOf } from '../events/record.ts'
import { NO_ID, newId } from '../ids.ts'
import { placed, standingBy } from './placed.ts'
import { placingOf } from './placing.ts'
import { type Policies, rememberedPolicies } from './policy.ts'
import { ownWords } from './sources.ts'

export interface CaptureHost {
  readonly db: Db
  readonly clock: () => Date
  readonly userNameKey: (userName: string) => string
}

const BATCH = 100

/**
 * Brings on every capture that is under way. Each person is made in the target, then archived in the source, in a
 * transaction each; whatever was done before stays done, so that it may be stopped and begun anew anywhere.
 */
export async function runCaptures(host: CaptureHost, stop: AbortSignal): Promise<void> {
  for (const capture of await openCaptures(host.db)) if (!stop.aborted) await run(host, capture, stop)
}

async function run(host: CaptureHost, capture: OpenCapture, stop: AbortSignal): Promise<void> {
  const { domain, organization_id: organizationId } = capture
  const policies = rememberedPolicies()
  const scopeNow = () => ({
    db: host.db,
    organizationId,
    actor: capture.actor,
    now: host.clock(),
    requestId: '',
  })
  for (let after: string | undefined = NO_ID; after !== undefined; ) {
    // Whoever has lost the domain takes nobody more.
    if ((await findDomain(scopeNow(), domain))?.verified_at == null) break
    const batch: CapturableRow[] = await capturablePeople(host.db, { domain, after, limit: BATCH })
    for (const one of batch) {
      if (stop.aborted) return
      await takeIn({ host, capture, policies }, scopeNow(), one)
    }
    after = batch.at(-1)?.id
  }
  const subject = { type: 'organization', id: organizationId } as const
  const data = { domain, captureId: capture.id }
  await finishCapture(scopeNow(), capture.id, [eventOf({ type: 'domain.capture-finished', subject, data })])
}

interface Capturing {
  readonly host: CaptureHost
  readonly capture: OpenCapture
  readonly policies: Policies
}

async function takeIn(capturing: Capturing, scope: Scope, one: CapturableRow): Promise<void> {
  const source = { ...scope, organizationId: one.organization_id }
  const person = await findUser(source, one.user_id)
  const address = person ? addressIn(person, capturing.capture.domain) : undefined
  if (!person || address === undefined) return
  if (!(await isCaptured(scope, one.organization_id))) await make(capturing, scope, { person, address, one })
  await archive(source, person, scope.organizationId)
}

function addressIn({ attributes }: ResourceRow, domain: string): string | undefined {
  const emails: unknown = attributes.emails
  const values: unknown[] = Array.isArray(emails) ? emails.map((one: { value?: unknown }) => one.value) : []
  return values.find((value): value is string => {
    return typeof value === 'string' && value.toLowerCase().endsWith(`@${domain}`)
  })
}

interface Arrival {
  readonly person: ResourceRow
  readonly address: string
  readonly one: CapturableRow
}

const ATTEMPTS = 3

async function make(capturing: Capturing, scope: Scope, arrival: Arrival): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    if (await transact(scope.db, (db) => makeOnce(capturing, { ...scope, db }, arrival))) return
    capturing.policies.forget(scope.organizationId)
  }
  throw new Error('the person is changed by too many at once')
}

/** False where the policy has changed, or somebody took the name at this moment; then nothing was written. */
async function makeOnce(
  { host, capture, policies }: Capturing,
  scope: Scope,
  { person, address, one }: Arrival,
): Promise<boolean> {
  const connectionId = capture.connection_id
  const userNameKey = host.userNameKey(address)
  const noted = { source: one.organization_id, captureId: capture.id }
  const known = await findMatches(scope, { connectionId, userNameKey, externalId: null, email: address })
  const there = known.find(({ deleted_at }) => deleted_at === null)
  if (there) {
    await noteCaptured(scope, { ...noted, userId: there.id, outcome: 'already-there' })
    return true
  }
  const policy = await policies.current(scope)
  const [id, attributes] = [newId(), ownWords(person)]
  // Who was shut out there is so here.
  const active = person.status !== 'suspended'
  const placing = active ? placingOf(policy, { userName: address, attributes }) : null
  const { told, ...given } = placed(id, { policy, identity: { via: 'capture', connectionId }, placing })
  const created = eventOf({
    type: 'user.created',
    subject: { type: 'user', id },
    by: { policyVersion: policy.version, rule: 'domain capture' },
    data: { via: 'capture', connectionId, active, ...noted },
  })
  const name = { connection_id: connectionId, managed: false, user_name: address, user_name_key: userNameKey }
  const standing = active ? standingBy(given) : ({ status: 'suspended', reason: null } as const)
  const record = { ...name, external_id: null, ...standing, attributes, sources: null }
  const guard = { policyVersion: policy.version, formerSeen: true }
  if (!(await insertPushed(scope, { id, record, ...given, events: [created, ...told] }, guard))) return false
  await noteCaptured(scope, { ...noted, userId: id, outcome: 'made' })
  return true
}

/** Ends the person's sessions and closes their organization; its rows stay. */
async function archive(source: Scope, person: ResourceRow, target: string): Promise<void> {
  await transact(source.db, async (db) => {
    const held = { ...source, db }
    const data = { via: 'capture', capturedBy: target }
    const events = [
      eventOf({ type: 'user.archived', subject: { type: 'user', id: person.id }, changed: ['active'], data }),
      eventOf({
        type: 'organization.archived',
        subject: { type: 'organization', id: source.organizationId },
        data,
      }),
    ]
    const record = { ...person, status: 'archived', reason: null } as const
    // Somebody changed the person at this moment: the next round finds them.
    const { id, version, status: was } = person
    if (!(await updateUser(held, { id, version, was, record, events }))) return
    await archivePersonal(held, target)
  })
}
