import {
  finishConnectionTest,
  isConnectionTestWaiting,
  isTestUnderWay,
  openConnectionTest,
  type Scope,
} from '../../db/index.ts'
import { type ConnectionTests, failedStage, STAGES, type TriedSignIn } from '../../oidc/index.ts'
import { hashOf } from '../auth.ts'
import type { Policies } from '../provisioning/policy.ts'
import { claimsOf } from './claims-of.ts'
import { type Foretold, foretell } from './foretell.ts'
import { anyConnection, type Host, type LinkingConnection, scopes } from './oidc-store.ts'

/** Sign-ins that sign nobody in: they are planned, reported, and leave nothing else. */
export function connectionTests(host: Host, policies: Policies): ConnectionTests {
  const { scopeOf, knownScopeOf } = scopes(host)
  return {
    async waiting({ connectionId, token }) {
      const scope = await scopeOf(connectionId)
      if (!scope || !(await isConnectionTestWaiting(scope, { connectionId, tokenHash: hashOf(token) })))
        return null
      return anyConnection(host, scope, connectionId)
    },
    async open({ connectionId, token }) {
      const scope = await scopeOf(connectionId)
      const connection = scope && (await anyConnection(host, scope, connectionId))
      if (!connection) return null
      const id = await openConnectionTest(scope, { connectionId, tokenHash: hashOf(token) })
      return id === null ? null : { id, connection }
    },
    async connectionOf(key) {
      const scope = await scopeOf(key.connectionId)
      if (!scope || !(await isTestUnderWay(scope, key))) return null
      return anyConnection(host, scope, key.connectionId)
    },
    async finish(tried) {
      const scope = await knownScopeOf(tried.connection.id)
      const report = await reportOf(scope, tried, policies)
      await finishConnectionTest(scope, tried.testId, report)
      return { ok: report.ok }
    },
  }
}

interface Step {
  readonly name: string
  readonly ok: boolean
  readonly code?: string
  readonly reason?: string
  /** What exactly, for whoever sets it up. */
  readonly detail?: string
}

interface Report extends Partial<Foretold> {
  readonly ok: boolean
  readonly steps: readonly Step[]
  readonly provider?: object
  readonly claims?: object
}

async function reportOf(scope: Scope, tried: TriedSignIn, policies: Policies): Promise<Report> {
  const { connection, person, provider, keys } = tried
  const of = claimsOf(connection as LinkingConnection) // the store made it
  const foretold = person && (await foretell(scope, person, { of, policies }))
  const steps = [...stepsOf(tried), ...(foretold ? [decided(foretold)] : [])]
  const claims = person?.claims ?? tried.claims
  return {
    ok: steps.every(({ ok }) => ok),
    steps,
    ...(provider && { provider: { issuer: connection.issuer, ...provider, ...(keys && { keys }) } }),
    ...(claims && { claims: shown(claims) }),
    ...foretold,
  }
}

function stepsOf({ stage, refusal }: TriedSignIn): Step[] {
  if (!refusal) return STAGES.map((name) => ({ name, ok: true }))
  const { code, message: reason, detail } = refusal
  const failed = failedStage(stage, code)
  const passed = STAGES.slice(0, STAGES.indexOf(failed)).map((name) => ({ name, ok: true }))
  return [...passed, { name: failed, ok: false, code, reason, ...(detail !== undefined && { detail }) }]
}

function decided({ outcome: { outcome, held, ...refused } }: Foretold): Step {
  const { code, reason } = held ? { code: held.code, reason: held.sentence } : refused
  const why = { ...(code !== undefined && { code }), ...(reason !== undefined && { reason }) }
  return { name: 'policy', ok: outcome !== 'refuse' && !held, ...why }
}

/** What ties a token to its one use says nothing of anybody. */
const OF_ITS_USE = ['nonce', 'at_hash', 'c_hash', 's_hash', 'jti']

const shown = (claims: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(claims).filter(([name]) => !OF_ITS_USE.includes(name)))
