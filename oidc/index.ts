export { isAddress, isName } from './claims.ts'
export { oidcPlugin } from './plugin.ts'
export { createSignalPoller } from './poll-signals.ts'
export type {
  AddressQuestion,
  Authentication,
  ClientKey,
  ConnectionTests,
  Demand,
  DocumentKind,
  OidcConnection,
  OidcOptions,
  OidcStore,
  Organization,
  Pages,
  ProviderDocuments,
  ProviderPins,
  ReceivedSignals,
  Refusal,
  RefusalContext,
  SharedDocument,
  SignInContext,
  SignInResult,
  SignInTransaction,
  SignOut,
  TokenEndpointAuthMethod,
  TriedSignIn,
  VerifiedSignIn,
} from './ports.ts'
export { failedStage, STAGES } from './progress.ts'
export type { Signal, SignalKind, SignalStream, SignalSubject } from './signal.ts'
export { cleanClaims, unverifiedClaims } from './unverified.ts'
