import { createSecretKey, type KeyObject } from 'node:crypto'
import { type HostileProvider, type Json, json, type Keys, type Lies, signJwt } from '../hostile.ts'
import { type Case, type CasesOf, discovery } from './case.ts'
import { FLOODS } from './floods.ts'

/** An id_token that says too little, so that userinfo is asked. */
const little: Lies = { claims: ({ email, ...good }) => good }

/** What a provider may not say of itself, and how its endpoints may not answer. */
export const endpointCases: CasesOf = (provider) => [
  discovery('discovery of another issuer', { issuer: 'https://evil.example' }),
  discovery('discovery with a slash more', { issuer: `${provider.issuer}/` }),
  discovery('no token endpoint', { token_endpoint: undefined }),
  discovery('endpoint that is no URL', { jwks_uri: ['x'] }),
  discovery(
    'authorization endpoint that is a script',
    { authorization_endpoint: 'javascript:alert(1)' },
    'provider_address',
  ),
  discovery(
    'token endpoint in plain http elsewhere',
    { token_endpoint: 'http://192.0.2.1/token' },
    'provider_address',
  ),
  discovery('token endpoint inside', { token_endpoint: 'https://10.0.0.1/token' }, 'provider_unreachable'),
  ...['/.well-known/openid-configuration', '/token', '/jwks', '/userinfo'].flatMap((path): Case[] => [
    {
      name: `${path} redirects`,
      lies: {
        ...little,
        endpoints: { [path]: (response) => response.writeHead(302, { location: '/elsewhere' }).end() },
      },
      status: 502,
      code: 'provider_response',
    },
    ...Object.entries(FLOODS).map(([how, flood]) => ({
      name: `${path} ${how}`,
      lies: { ...little, endpoints: { [path]: flood } },
      status: 502,
      code: 'provider_response',
    })),
    {
      name: `${path} has headers without end`,
      lies: {
        ...little,
        endpoints: { [path]: (response) => response.writeHead(200, { x: 'x'.repeat(200_000) }).end('{}') },
      },
      status: 502,
      code: 'provider_unreachable',
    },
    {
      name: `${path} is out of order`,
      lies: {
        ...little,
        endpoints: { [path]: (response) => json(response, { access_token: 'secret-in-an-error' }, 500) },
      },
      status: 502,
      code: 'provider_response',
    },
    {
      name: `${path} is no JSON`,
      lies: {
        ...little,
        endpoints: {
          [path]: (response) =>
            response.writeHead(200, { 'content-type': 'application/json' }).end('<secret'),
        },
      },
      status: 502,
      code: 'provider_response',
    },
  ]),
  {
    name: 'the code was used already',
    lies: { endpoints: { '/token': (response) => json(response, { error: 'invalid_grant' }, 400) } },
    status: 400,
    code: 'invalid_grant',
  },
  userinfo('about somebody else', { userinfo: (good) => ({ ...good, sub: 'bob' }) }),
  userinfo('about nobody', { userinfo: ({ sub, ...good }) => good }),
  userinfo('about a number', { userinfo: (good) => ({ ...good, sub: 42 }) }),
  userinfo('about somebody of another case', { userinfo: (good) => ({ ...good, sub: 'Ada' }) }),
  userinfo('in an unsigned token', inToken(provider, { alg: 'none' }, provider.keys.RS256)),
  userinfo('in a token by the public key', inToken(provider, { alg: 'HS256' }, secretOf(provider.keys))),
]

const userinfo = (name: string, lies: Lies): Case => ({
  name: `userinfo ${name}`,
  lies: { ...little, ...lies },
  status: 400,
  code: 'invalid_userinfo',
})

const secretOf = ({ RS256 }: Keys) => createSecretKey(Buffer.from(String(RS256.export({ format: 'jwk' }).n)))

const inToken = ({ issuer }: HostileProvider, header: Json, key: KeyObject): Lies => ({
  endpoints: {
    '/userinfo': (response) =>
      response
        .writeHead(200, { 'content-type': 'application/jwt' })
        .end(signJwt(header, { iss: issuer, aud: 'usher', sub: 'ada' }, key)),
  },
})
