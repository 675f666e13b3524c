/** A file of tests or of their cases, and the title in it. */
type Shown = readonly [file: string, title: string]

const LIES = 'test/oidc/lies'
const honest = (title: string): Shown => [`${LIES}/honest.ts`, title]
const refused = (title: string): Shown => [`${LIES}/tokens.ts`, title]
const lie = (title: string): Shown => [`${LIES}/endpoints.ts`, title]
const signIn = (title: string): Shown => ['test/oidc/sign-in.test.ts', title]
const backchannel = (title: string): Shown => ['test/oidc/backchannel-logout.test.ts', title]
const frontchannel = (title: string): Shown => ['test/oidc/frontchannel-logout.test.ts', title]
const logout = (title: string): Shown => ['test/oidc/logout.test.ts', title]
const rotation: Shown = ['test/src/hostile-tokens.test.ts', 'keys that rotate twice in a minute']

/**
 * What the OpenID Foundation asks of a relying party with the authorization code flow, by the names that its conformance
 * suite gives to the modules, and where it is shown here. Left out is what is not offered: other flows and response modes
 * (no cookie of this service comes with a POST from another site), dynamic registration, WebFinger, request objects,
 * refresh tokens and mutual TLS. The cases in `lies` run through the routes of the whole service.
 */
export const MODULES: Readonly<Record<string, Shown>> = {
  // Basic
  'oidcc-client-test': honest('nothing odd'),
  'oidcc-client-test-nonce': signIn('the request carries what protects it, new each time'),
  'oidcc-client-test-nonce-invalid': refused('wrong nonce'),
  'oidcc-client-test-client-secret-basic': signIn('every way to authenticate the client works'),
  'oidcc-client-test-scope-userinfo-claims': signIn('from the id_token and userinfo together'),
  'oidcc-client-test-kid-absent-single-jwks': honest('no kid, one key'),
  'oidcc-client-test-kid-absent-multiple-jwks': refused('no kid, several keys that fit'),
  'oidcc-client-test-ignores-unparseable-key-in-jwks': honest('keys beside those that are no use'),
  'oidcc-client-test-missing-iat': refused('missing iat'),
  'oidcc-client-test-missing-sub': refused('missing sub'),
  'oidcc-client-test-missing-aud': refused('aud missing'),
  'oidcc-client-test-invalid-aud': refused('wrong aud'),
  'oidcc-client-test-invalid-iss': refused('wrong iss'),
  'oidcc-client-test-invalid-athash': refused('wrong at_hash'),
  'oidcc-client-test-idtoken-sig-none': refused('alg none'),
  'oidcc-client-test-idtoken-sig-rs256': honest('RS256'),
  'oidcc-client-test-invalid-sig-rs256': refused('another signature'),
  'oidcc-client-test-invalid-sig-es256': refused('key of another kid'),
  'oidcc-client-test-invalid-sig-hs256': refused('HS256 with the public key'),
  'oidcc-client-test-userinfo-invalid-sub': lie('about somebody else'),
  'oidcc-client-test-userinfo-bearer-header': [
    'test/src/hostile-tokens.test.ts',
    'an access token is shown to userinfo in a header',
  ],
  'oidcc-client-test-userinfo-signed': honest('userinfo in a token that is signed'),
  'oidcc-client-test-aggregated-claims': honest('claims that are elsewhere, or in tokens of others'),
  'oidcc-client-test-distributed-claims': honest('claims that are elsewhere, or in tokens of others'),
  // Config
  'oidcc-client-test-discovery-openid-config': ['test/oidc/callback.test.ts', 'discovery is asked once'],
  'oidcc-client-test-discovery-jwks-uri-keys': rotation,
  'oidcc-client-test-discovery-issuer-mismatch': lie('discovery of another issuer'),
  'oidcc-client-test-signing-key-rotation': rotation,
  'oidcc-client-test-signing-key-rotation-just-before-signing': rotation,
  // Begun by a third party
  'oidcc-client-test-3rd-party-init-login': signIn('a third party may begin a sign-in'),
  // Sign-out
  'oidcc-client-test-rp-init-logout': logout('signing out ends the session here and at the provider'),
  'oidcc-client-test-rp-init-logout-no-state': logout('whatever a provider sends people back with'),
  'oidcc-client-test-rp-init-logout-other-state': logout('whatever a provider sends people back with'),
  // The suite's own logout token has no `typ`: for it, the connection says `lenientLogoutTokens`.
  'oidcc-client-test-rp-backchannel-rpinitlogout': backchannel('may tolerate what some providers leave out'),
  'oidcc-client-test-rp-backchannel-rpinitlogout-alg-none': backchannel('an alg of none'),
  'oidcc-client-test-rp-backchannel-rpinitlogout-wrong-alg': backchannel(
    'an algorithm that was not advertised',
  ),
  'oidcc-client-test-rp-backchannel-rpinitlogout-no-event': backchannel('no events'),
  'oidcc-client-test-rp-backchannel-rpinitlogout-wrong-event': backchannel('other events'),
  'oidcc-client-test-rp-backchannel-rpinitlogout-with-nonce': backchannel('a nonce'),
  'oidcc-client-test-rp-backchannel-rpinitlogout-wrong-aud': backchannel('the wrong aud'),
  'oidcc-client-test-rp-backchannel-rpinitlogout-wrong-iss': backchannel('the wrong iss'),
  'oidcc-client-test-rp-frontchannel-rpinitlogout': frontchannel('iss and sid end one session'),
  'oidcc-client-test-rp-frontchannel-opinitlogout': frontchannel('iss and sid end one session'),
}
