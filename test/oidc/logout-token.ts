import { type KeyObject, randomUUID } from 'node:crypto'
import { type HostileProvider, type Json, now, signJwt } from './hostile.ts'

/** What a logout token says otherwise than an honest one, which says whom it is about. */
export interface Told {
  readonly claims?: Json
  readonly header?: Json
  readonly key?: KeyObject
}

export const EVENT = 'http://schemas.openid.net/event/backchannel-logout'

export function logoutToken({ issuer, keys }: HostileProvider, { claims, header, key }: Told): string {
  const times = { iat: now(), exp: now() + 120 }
  const honest = { iss: issuer, aud: 'usher', ...times, jti: randomUUID(), events: { [EVENT]: {} } }
  const typed = { alg: 'RS256', kid: 'rsa', typ: 'logout+jwt', ...header }
  return signJwt(typed, { ...honest, ...claims }, key ?? keys.RS256)
}
