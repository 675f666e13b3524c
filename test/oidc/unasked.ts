import { type KeyObject, randomUUID } from 'node:crypto'
import { type HostileProvider, type Json, now, signJwt } from './hostile.ts'

/** What a token says otherwise than an honest one, which says whom it is about. */
export interface Told {
  readonly claims?: Json
  readonly header?: Json
  readonly key?: KeyObject
}

export const EVENT = 'http://schemas.openid.net/event/backchannel-logout'

type Signer = Pick<HostileProvider, 'issuer' | 'keys'>

export function logoutToken(signer: Signer, told: Told): string {
  const times = { iat: now(), exp: now() + 120 }
  const claims = { aud: 'usher', ...times, events: { [EVENT]: {} } }
  return signed(signer, { typ: 'logout+jwt' }, claims, told)
}

/** The URI of an event by its name. */
export const caep = (name: string) => `https://schemas.openid.net/secevent/caep/event-type/${name}`
export const risc = (name: string) => `https://schemas.openid.net/secevent/risc/event-type/${name}`

/** A security event token for the audience `signals`. */
export function securityEvent(signer: Signer, told: Told): string {
  return signed(signer, { typ: 'secevent+jwt' }, { aud: 'signals', iat: now() }, told)
}

function signed(signer: Signer, header: Json, claims: Json, told: Told): string {
  const own = { alg: 'RS256', kid: 'rsa', ...header, ...told.header }
  const said = { iss: signer.issuer, jti: randomUUID(), ...claims, ...told.claims }
  return signJwt(own, said, told.key ?? signer.keys.RS256)
}
