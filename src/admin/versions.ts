import type { FastifyRequest } from 'fastify'
import { Problem } from '../errors.ts'

export const versionTag = (version: number): string => `"${version}"`

/** 412 unless the version is one of those that `If-Match` names; none are named without it. */
export function checkIfMatch({ headers }: FastifyRequest, version: number): void {
  const wanted = headers['if-match']?.split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  if (!wanted || wanted.includes('*') || wanted.includes(versionTag(version))) return
  throw new Problem('precondition_failed', 'It has changed since: read it again.')
}
