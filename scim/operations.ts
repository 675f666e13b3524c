import { ScimError } from './errors.ts'
import type { Caller, Precondition, ReadHandler, ResourceHandler, Stored, Wanted } from './handler.ts'
import { parsePatch } from './patch-request.ts'
import { createProjection, type Projection } from './project.ts'
import { readPut } from './put.ts'
import { typeFor } from './schema/extend.ts'
import type { Json, ResourceType } from './schema/types.ts'
import { validate } from './validate.ts'
import type { Written } from './written.ts'

/** The resources of one type: what they are, what keeps them, and how they are shown. */
export interface Readable<C extends Caller> extends Projection {
  readonly type: ResourceType<string>
  readonly handler: ReadHandler<C>
  /** The same where a caller has a type of its own. */
  readonly asSeenBy: (caller: C) => Readable<C>
}

export interface Resources<C extends Caller> extends Readable<C> {
  readonly type: ResourceType
  readonly handler: ResourceHandler<C>
  readonly asSeenBy: (caller: C) => Resources<C>
}

/** How resources of a type are made for whoever asks: once for each type that a caller has. */
export function resourcesOf<C extends Caller>(
  standard: ResourceType,
  handler: ResourceHandler<C>,
  baseUrl: string,
): Resources<C> {
  const made = new WeakMap<ResourceType, Resources<C>>()
  const asSeenBy = (caller: C): Resources<C> => of(typeFor(caller, standard))
  const of = (type: ResourceType): Resources<C> => {
    const known = made.get(type) ?? { type, handler, asSeenBy, ...createProjection(type, baseUrl) }
    made.set(type, known)
    return known
  }
  return of(standard)
}

/** What is asked of one resource, by a request of its own or within another. */
export interface Asked<When = Precondition> {
  readonly id: string
  readonly body?: Json | undefined
  readonly when: When
}

/** No id of ours is longer, and no database need be asked for it. */
const MAX_ID_LENGTH = 100

export function checkId(id: string): string {
  if (id.length > MAX_ID_LENGTH) throw new ScimError('notFound')
  return id
}

export function found(stored: Stored | null): Stored {
  if (!stored) throw new ScimError('notFound')
  return stored
}

/** A resource after a write, and what it was that the client wrote. */
export interface Change {
  readonly stored: Stored
  readonly written: Written
}

export async function create<C extends Caller>(
  { type, handler }: Resources<C>,
  caller: C,
  body: Json | undefined,
): Promise<Change> {
  const written = validate(body, { resourceType: type, profile: caller.profile })
  return { stored: await handler.create(caller, written), written }
}

export async function replace<C extends Caller>(
  { type, handler }: Resources<C>,
  caller: C,
  { id, body, when }: Asked,
): Promise<Change> {
  const written = readPut(body, { resourceType: type, profile: caller.profile })
  return { stored: found(await handler.replace(caller, checkId(id), written, when)), written }
}

export async function patch<C extends Caller>(
  { type, handler }: Resources<C>,
  caller: C,
  { id, body, when }: Asked<Precondition & Wanted>,
): Promise<Change> {
  const written = parsePatch(body, { resourceType: type, profile: caller.profile })
  return { stored: found(await handler.patch(caller, checkId(id), written, when)), written }
}

export async function remove<C extends Caller>(
  { handler }: Resources<C>,
  caller: C,
  { id, when }: Asked,
): Promise<void> {
  if (!(await handler.delete(caller, checkId(id), when))) throw new ScimError('notFound')
}
