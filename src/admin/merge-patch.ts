/** A JSON merge patch (RFC 7396): what is null is taken away, objects are merged, anything else is replaced. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const kept = isObject(target) ? target : {}
  const names = [...new Set([...Object.keys(kept), ...Object.keys(patch)])].filter(
    (name) => patch[name] !== null,
  )
  return Object.fromEntries(
    names.map((name) => [
      name,
      Object.hasOwn(patch, name) ? mergePatch(kept[name], patch[name]) : kept[name],
    ]),
  )
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
