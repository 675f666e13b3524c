import type { Caller, ReadHandler, Stored } from './handler.ts'
import { listed } from './listed.ts'
import type { Readable } from './operations.ts'
import { createProjection } from './project.ts'
import type { ResourceType } from './schema/types.ts'

/** A type of resources that clients only read; they are so few that the host gives all of them. */
export interface Published<C extends Caller = Caller> {
  readonly type: ResourceType<string>
  readonly all: (caller: C) => Promise<readonly Stored[]>
}

function handlerOf<C extends Caller>({ type, all }: Published<C>): ReadHandler<C> {
  return {
    get: async (caller, id) => (await all(caller)).find((stored) => stored.id === id) ?? null,
    list: async (caller, query) => listed(type, await all(caller), query),
  }
}

/** All callers have the same type. */
export function readableOf<C extends Caller>(published: Published<C>, baseUrl: string): Readable<C> {
  const { type } = published
  const readable: Readable<C> = {
    type,
    handler: handlerOf(published),
    asSeenBy: () => readable,
    ...createProjection(type, baseUrl),
  }
  return readable
}
