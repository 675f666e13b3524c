/** One that needs nobody who needs it, or all that need each other. */
export interface Component {
  /** In ascending order. */
  readonly members: readonly number[]
  readonly circular: boolean
}

interface Visit {
  readonly number: number
  /** The least number that it, or whom it leads to, leads back to. */
  low: number
  open: boolean
}

/**
 * The order in which each operation comes after those it needs; otherwise that of the request. `needs` has for each
 * operation the others it refers to. (Tarjan's algorithm: the strongly connected components, those needed first.)
 */
export function orderOf(needs: readonly ReadonlySet<number>[]): Component[] {
  const visits = new Map<number, Visit>()
  const open: number[] = []
  const components: Component[] = []

  function visit(operation: number): Visit {
    const visited: Visit = { number: visits.size, low: visits.size, open: true }
    visits.set(operation, visited)
    open.push(operation)
    for (const needed of needs[operation] ?? []) {
      const other = visits.get(needed) ?? visit(needed)
      if (other.open) visited.low = Math.min(visited.low, other.low)
    }
    if (visited.low === visited.number) close(operation)
    return visited
  }

  function close(operation: number): void {
    const members = open.splice(open.indexOf(operation)).sort((a, b) => a - b)
    for (const member of members) (visits.get(member) as Visit).open = false // each was visited
    const circular = members.length > 1 || needs[operation]?.has(operation) === true
    components.push({ members, circular })
  }

  for (const operation of needs.keys()) if (!visits.has(operation)) visit(operation)
  return components
}
