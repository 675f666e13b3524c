import type { AttrPath, Filter, PatchPath } from './filter/ast.ts'
import type { Shaped } from './filter/shape.ts'
import type { Attributes, Json, ResourceType } from './schema/types.ts'

export type Profile = 'lenient' | 'strict'

export type PatchAnswer = 'resource' | 'nothing'

/** Who asks, as the host's `authenticate` says; the host adds what it needs to serve the call. */
export interface Caller {
  /** How much tolerance the connection asks for. */
  readonly profile: Profile
  /** What a PATCH is answered by where nothing is asked for; absent: a user by itself, a group by nothing. */
  readonly patchAnswer?: PatchAnswer
  /** The id of this request, for logs and events. */
  readonly requestId: string
  /** The same for all that may go on with one another's lists: a cursor works for nobody else. */
  readonly id: string
  /** The types of resources as this caller has them: with extensions of its own. Remembered by their identity. */
  readonly resourceTypes?: { readonly [name in ResourceType['name']]?: ResourceType }
}

/** A resource as the host keeps it. `version` changes whenever the resource does. */
export interface Stored {
  readonly id: string
  readonly attributes: Attributes
  /**
   * More of its attributes, as the text of a JSON object, where the host has them as such: a plain read copies it.
   * None is one of `attributes`, and none of the RFC's own that refer to other resources.
   */
  readonly document?: string
  readonly created: Date
  readonly lastModified: Date
  readonly version: number
}

/** What the client asked to see (RFC 7644 section 3.9); the host may skip the work for the rest. */
export interface Wanted {
  readonly attributes?: readonly AttrPath[]
  readonly excludedAttributes?: readonly AttrPath[]
}

/** Where a resource stands in a list. */
export interface Place {
  readonly id: string
  /** What it is sorted by, as `ListPage` said it; null where it has no such value, absent in a list by id. */
  readonly value?: string | null
}

/** Where a page by cursor begins: right behind a place or right before it; without one, at the start or at the end. */
export interface Seek {
  readonly side: 'after' | 'before'
  readonly place?: Place
}

/** `shape` and `texts` are there together, or not. */
export interface ListQuery extends Wanted, Partial<Shaped> {
  readonly filter?: Filter
  readonly sortBy?: AttrPath
  readonly sortOrder: 'ascending' | 'descending'
  /** 1-based. */
  readonly startIndex: number
  /** Most resources to return; 0 asks for the total alone. */
  readonly count: number
  /** Asks for a page by cursor instead of one by `startIndex`; its resources come in the order of the list too. */
  readonly from?: Seek
}

export interface ListPage {
  /** Need not be told with `from`: counting is what a cursor saves. */
  readonly totalResults?: number
  readonly resources: readonly Stored[]
  /** With `from` and `sortBy`: what each resource is sorted by. */
  readonly sortValues?: readonly (string | null)[]
}

export interface PatchOperation {
  readonly op: 'add' | 'remove' | 'replace'
  readonly path?: PatchPath
  /** Absent where the client sent no `value` key. */
  readonly value?: Json
}

/** The versions that `If-Match` allows; absent: any. */
export interface Precondition {
  readonly ifMatch?: readonly number[]
}

/**
 * The port: what a host implements for one resource type. `null` (or `false`) means there is no such resource for
 * this caller. Failures the client should hear of are thrown as `ScimError`.
 */
export interface ResourceHandler<C extends Caller = Caller> {
  /** How many creates of one bulk request it is best given at once; one where it does not say. */
  readonly createsAtOnce?: number
  create(caller: C, attributes: Attributes): Promise<Stored>
  get(caller: C, id: string, wanted: Wanted): Promise<Stored | null>
  list(caller: C, query: ListQuery): Promise<ListPage>
  replace(caller: C, id: string, attributes: Attributes, when: Precondition): Promise<Stored | null>
  patch(
    caller: C,
    id: string,
    operations: readonly PatchOperation[],
    when: Precondition & Wanted,
  ): Promise<Stored | null>
  delete(caller: C, id: string, when: Precondition): Promise<boolean>
}

/** What a type of resources needs that is only read. */
export type ReadHandler<C extends Caller = Caller> = Pick<ResourceHandler<C>, 'get' | 'list'>

export interface Handlers<C extends Caller = Caller> {
  readonly User: ResourceHandler<C>
  readonly Group: ResourceHandler<C>
}
