import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'

// As little of an identity provider as a sign-in needs: discovery, keys and the token endpoint, in a process of its own
// whose CPU is the load's. Nothing is signed here: a code is the id_token that it is redeemed for.

const { PORT, PROVIDER_KEYS = '' } = process.env
const issuer = `http://127.0.0.1:${PORT}`

const documents: Readonly<Record<string, string>> = {
  '/.well-known/openid-configuration': JSON.stringify({
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/keys`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
    token_endpoint_auth_methods_supported: ['client_secret_post'],
    code_challenge_methods_supported: ['S256'],
  }),
  '/keys': PROVIDER_KEYS,
}

const tokens = (code: string | null) =>
  JSON.stringify({ access_token: 'an-access-token', token_type: 'Bearer', expires_in: 300, id_token: code })

const server = createServer(async (request, response) => {
  const { url = '' } = request
  const body =
    url === '/token' ? tokens(new URLSearchParams(await text(request)).get('code')) : documents[url]
  response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' }).end(body)
})

// An idle connection that ends just as it is used again would fail a sign-in.
server.keepAliveTimeout = 600_000
server.listen(Number(PORT), '127.0.0.1', () => process.stdout.write('ready: stub\n'))
process.once('SIGTERM', () => process.exit(0))
