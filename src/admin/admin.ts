import type { FastifyRequest } from 'fastify'
import { type Db, failureOf, type Scope } from '../../db/index.ts'
import type { Handler } from '../contract.ts'
import { Problem } from '../errors.ts'
import type { Secrets } from '../secrets.ts'

/** What every handler of this folder is made with. */
export interface Admin {
  readonly db: Db
  readonly secrets: Secrets
  readonly clock: () => Date
  readonly publicUrl: string
  /** The scope of a request, whose actor is the key it came with. */
  scopeOf(request: FastifyRequest): Scope
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
