import type { FastifyRequest } from 'fastify'
import { type ConnectionRow, type Db, failureOf, type Scope, type UserRow } from '../../db/index.ts'
import type { Handler, ReadBody } from '../contract.ts'
import type { ResolveTxt } from '../domains/records.ts'
import { Problem } from '../errors.ts'
import type { Policies } from '../provisioning/policy.ts'
import type { Secrets } from '../secrets.ts'
import type { Spoken } from '../translate/attributes.ts'

/** What every handler of this folder is made with. */
export interface Admin {
  readonly db: Db
  readonly secrets: Secrets
  readonly clock: () => Date
  readonly publicUrl: string
  readonly readBody: ReadBody
  /** Makes the key of `private_key_jwt` where there is none, so that it is published before it is looked for. */
  readonly makeClientKey: () => Promise<unknown>
  /** Where domains show whose they are. */
  readonly resolveTxt: ResolveTxt
  /** Plays an identity provider on a SCIM connection, and leaves nothing of it. */
  selfTest(scope: Scope, connection: { id: string; profile: 'lenient' | 'strict' }): Promise<SelfTest>
  /** Who would sign in by claims that nobody has verified, and what that would do, by these policies or those in force. */
  previewClaims(
    scope: Scope,
    connection: ConnectionRow,
    pasted: { token?: string; claims?: Readonly<Record<string, unknown>> | undefined; policies?: Policies },
  ): Promise<{ person: object; outcome: object }>
  /** What a SCIM create would do. */
  previewPush(
    scope: Scope,
    connection: ConnectionRow,
    push: { body: object; policies: Policies },
  ): Promise<object>
  /** A value for an attribute of a person as a push would have to say it; throws where it is none. */
  readAttribute(
    scope: Scope,
    person: Pick<UserRow, 'attributes'>,
    said: { attribute: Spoken; value: unknown },
  ): Promise<unknown>
  /** Has this process read the policy of an organization anew. */
  readonly forgetPolicy: (organizationId: string) => void
  /** The scope of a request, whose actor is the key it came with. */
  scopeOf(request: FastifyRequest): Scope
}

/** What a self-test found: each request, and whether it was answered as it should be. */
export interface SelfTest {
  readonly ok: boolean
  readonly steps: readonly object[]
}

export type AdminHandlers = Readonly<Record<string, Handler>>

export const notFound = (noun: string): Problem => new Problem('not_found', `There is no such ${noun}.`)

/** Turns a key that is taken into a 409 that says which. */
export const taken =
  (sentence: string) =>
  (error: unknown): never => {
    if (failureOf(error)?.kind === 'conflict') throw new Problem('conflict', sentence, { cause: error })
    throw error
  }
