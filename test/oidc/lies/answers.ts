import { answer, type CasesOf } from './case.ts'

export const advertised = { authorization_response_iss_parameter_supported: true }

/** What a browser may not bring back. */
export const answerCases: CasesOf = (provider) => [
  answer('state missing', (given) => given.delete('state')),
  answer('state repeated', (given) => given.append('state', given.get('state') ?? '')),
  answer('another state', (given) => given.set('state', 'another'), 'browser_mismatch'),
  answer('state empty', (given) => given.set('state', '')),
  answer('code repeated', (given) => given.append('code', 'another')),
  answer('code missing', (given) => given.delete('code')),
  answer('code empty', (given) => given.set('code', '')),
  answer('error repeated', (given) => {
    given.delete('code')
    given.append('error', 'a')
    given.append('error', 'b')
  }),
  answer('error together with a code', (given) => given.set('error', 'access_denied')),
  answer('wrong iss', (given) => given.set('iss', 'https://evil.example'), 'issuer_mismatch'),
  answer('iss with a slash more', (given) => given.set('iss', `${provider.issuer}/`), 'issuer_mismatch'),
  answer('iss repeated', (given) => {
    given.append('iss', provider.issuer)
    given.append('iss', provider.issuer)
  }),
  {
    name: 'iss missing though advertised',
    lies: { discovery: (good) => ({ ...good, ...advertised }) },
    status: 400,
    code: 'issuer_mismatch',
  },
  answer('an implicit answer beside the code', (given) => given.set('id_token', 'x'), 'invalid_id_token'),
  answer(
    'an error with markup',
    (given) => {
      given.delete('code')
      given.set('error', '<script>alert(1)</script>')
    },
    'provider_error',
  ),
]
