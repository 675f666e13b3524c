import { pathKey } from '../schema/lookup.ts'
import type { Filter, PatchPath } from './ast.ts'

function group(filter: Filter): string {
  return filter.kind === 'and' || filter.kind === 'or' ? `(${printFilter(filter)})` : printFilter(filter)
}

/** The filter as text; parsing it gives the same tree again. */
export function printFilter(filter: Filter): string {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.terms.map(group).join(` ${filter.kind} `)
    case 'not':
      return `not (${printFilter(filter.term)})`
    case 'present':
      return `${pathKey(filter.path)} pr`
    case 'compare':
      return `${pathKey(filter.path)} ${filter.op} ${JSON.stringify(filter.value)}`
    case 'valuePath':
      return `${pathKey(filter.path)}[${printFilter(filter.filter)}]`
  }
}

/** A PATCH path as text. */
export function printPath({ path, filter, sub }: PatchPath): string {
  return `${pathKey(path)}${filter ? `[${printFilter(filter)}]` : ''}${sub ? `.${sub}` : ''}`
}
