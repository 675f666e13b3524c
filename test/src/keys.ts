import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'

/** A pair of keys, of which the private one stays here. */
export interface TestKey {
  readonly kid: string
  readonly publicKey: JWK
  /** A JWT of these claims; `header` replaces what is usual. */
  sign(claims: JWTPayload, header?: Record<string, unknown>): Promise<string>
}

export async function makeKey(kid: string, alg = 'RS256', modulusLength = 2048): Promise<TestKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true, modulusLength })
  return {
    kid,
    publicKey: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' },
    sign: (claims, header = {}) =>
      new SignJWT(claims).setProtectedHeader({ alg, kid, typ: 'JWT', ...header }).sign(privateKey),
  }
}

export interface KeyServer {
  readonly url: string
  /** Its `host:port`. */
  readonly host: string
  /** How often it was asked. */
  asked: number
  /** What it publishes; null for an error. */
  keys: readonly JWK[] | null
}

interface Teardown {
  teardown(end: () => Promise<void>): void
}

/** A real server of keys, on loopback. */
export async function serveKeys(t: Teardown, keys: readonly JWK[]): Promise<KeyServer> {
  const server = createServer((_request, response) => {
    state.asked++
    response.writeHead(state.keys ? 200 : 500, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ keys: state.keys }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}` // a server that listens on a port has one of this kind
  const state: KeyServer = { host, url: `http://${host}/keys`, asked: 0, keys }
  t.teardown(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return state
}
