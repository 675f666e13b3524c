import type { AttrPath } from './filter/ast.ts'
import { isRecord } from './filter/match.ts'
import type { PatchOperation } from './handler.ts'
import type { Attributes, Json } from './schema/types.ts'

/** What a client wrote: a whole resource, or changes of one. */
export type Written = Attributes | readonly PatchOperation[]

const isList = (written: Written): written is readonly PatchOperation[] => Array.isArray(written)

function holds(value: Json | undefined, sub: string | undefined): boolean {
  if (value === undefined || value === null) return false
  if (sub === undefined) return true
  return Array.isArray(value) ? value.some((element) => holds(element, sub)) : isRecord(value) && sub in value
}

function isWrittenBy({ path, value }: PatchOperation, { urn, name, sub }: AttrPath): boolean {
  if (!path || path.path.urn !== urn || path.path.name !== name) return false
  const changed = path.sub ?? path.path.sub
  return sub === undefined || (changed === undefined ? holds(value, sub) : changed === sub)
}

/** Whether the client wrote what the path names. */
export function isWritten(written: Written, path: AttrPath): boolean {
  if (isList(written)) return written.some((operation) => isWrittenBy(operation, path))
  const outer = path.urn === undefined ? written : written[path.urn]
  return isRecord(outer) && holds(outer[path.name], path.sub)
}
