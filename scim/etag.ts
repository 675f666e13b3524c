import type { Precondition } from './handler.ts'

/** A version as a weak entity tag (RFC 7644 section 3.14). */
export function etag(version: number): string {
  return `W/"${version}"`
}

/** The versions an `If-Match` or `If-None-Match` lists; a tag that is none of ours matches none. */
export function parseTags(header: string | undefined): '*' | number[] | undefined {
  if (header === undefined) return undefined
  if (header.trim() === '*') return '*'
  const tags = header.split(',').map((tag) => /^\s*(?:W\/)?"(\d{1,15})"\s*$/.exec(tag)?.[1])
  return tags.filter((tag) => tag !== undefined).map(Number)
}

/** What an `If-Match`, or the `version` of a bulk operation, asks for. */
export function ifMatch(tags: string | undefined): Precondition {
  const versions = parseTags(tags)
  return versions === undefined || versions === '*' ? {} : { ifMatch: versions }
}

/** Whether an `If-None-Match` says that the client has what this tag is of; weak ones compare alike (RFC 9110). */
export function isKnown(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false
  const opaque = (text: string) => text.trim().replace(/^W\//, '')
  return header.trim() === '*' || header.split(',').some((known) => opaque(known) === opaque(tag))
}
