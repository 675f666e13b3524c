export { oidcPlugin } from './plugin.ts'
export type {
  AddressQuestion,
  OidcConnection,
  OidcOptions,
  OidcStore,
  Organization,
  Pages,
  ProviderPins,
  Refusal,
  RefusalContext,
  SignInResult,
  SignInTransaction,
  SignOut,
  TokenEndpointAuthMethod,
  VerifiedSignIn,
} from './ports.ts'
