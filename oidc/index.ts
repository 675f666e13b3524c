export { oidcPlugin } from './plugin.ts'
export type {
  OidcConnection,
  OidcOptions,
  OidcStore,
  Pages,
  Refusal,
  SignInResult,
  SignInTransaction,
  TokenEndpointAuthMethod,
  VerifiedSignIn,
} from './ports.ts'
