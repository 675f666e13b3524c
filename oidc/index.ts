export { oidcPlugin } from './plugin.ts'
export type {
  OidcConnection,
  OidcOptions,
  OidcStore,
  Organization,
  Pages,
  ProviderPins,
  Refusal,
  SignInResult,
  SignInTransaction,
  TokenEndpointAuthMethod,
  VerifiedSignIn,
} from './ports.ts'
