import type { FastifyReply, FastifyRequest } from 'fastify'
import type { CryptoKey } from 'jose'
import type { DocumentKind, Seen, SharedDocument } from './documents.ts'
import type { AddressQuestion, Organization, Pages } from './pages.ts'
import type { Progress } from './progress.ts'
import type { Failure, Refusal, RefusalContext } from './refusal.ts'
import type { Signal, SignalStream } from './signal.ts'

export type {
  AddressQuestion,
  DocumentKind,
  Failure,
  Organization,
  Pages,
  Refusal,
  RefusalContext,
  Seen,
  SharedDocument,
}

export type TokenEndpointAuthMethod =
  | 'client_secret_post'
  | 'client_secret_basic'
  | 'private_key_jwt'
  | 'none'

/** What this service proves itself by where it has no secret: an RSA key, whose public half is published. */
export interface ClientKey {
  readonly key: CryptoKey
  readonly kid: string
}

/** The OIDC half of a connection, as the host keeps it. */
export interface OidcConnection {
  readonly id: string
  readonly name: string
  readonly organization: Organization
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret?: string
  /** Absent: chosen from what discovery offers. */
  readonly tokenEndpointAuthMethod?: TokenEndpointAuthMethod
  /** Always with `openid`. */
  readonly scopes: readonly string[]
  /** Claims of the id_token that must be there with these very values: the tenant, where an issuer has several. */
  readonly requiredClaims?: Readonly<Record<string, string>>
  /** Claims that are read, of each list any: userinfo is asked where the id_token has none of one. */
  readonly wantedClaims?: readonly (readonly string[])[]
  /** What of the provider was approved; absent until it was first met. */
  readonly pins?: ProviderPins
  /** Whether more than that was found, and waits for approval. */
  readonly drifted?: boolean
  /** Whether more than that is accepted of it, and only told. */
  readonly acceptsDrift?: boolean
  /** The failure of its provider's endpoints that no answer of theirs has followed. */
  readonly outage?: Required<Pick<SharedDocument, 'generation' | 'failure'>>
  /** Further parameters of the authorization request. */
  readonly authorizationParameters?: Readonly<Record<string, string>>
  /** Whether a logout token may have a `typ` of JWT or none, and no `exp`, as some providers send it. */
  readonly lenientLogoutTokens?: boolean
  readonly signals?: SignalStream
  /** What every sign-in must show. */
  readonly demand?: Demand
  /** Changes whenever the settings above do, so that what was discovered for the old ones is not used. */
  readonly version: number
}

/** By which algorithms a provider signs its id_tokens, and the origins of its endpoints. */
export interface ProviderPins {
  readonly algorithms: readonly string[]
  readonly origins: readonly string[]
}

/** How fresh, and of which kind, a sign-in must be at the provider. */
export interface Demand {
  /** Seconds since the person was last met. */
  readonly maxAge?: number
  /** One of these authentication context classes. */
  readonly acrValues?: readonly string[]
}

/** When and how the provider says that it has met the person. */
export interface Authentication {
  /** In the form of RFC 3339. */
  readonly at?: string
  readonly acr?: string
  readonly amr?: readonly string[]
}

/** A sign-in that has begun and is bound to the browser that began it; used once. */
export interface SignInTransaction {
  readonly connectionId: string
  /** Of the provider that was asked. */
  readonly issuer: string
  /** SHA-256 of `state`. */
  readonly stateHash: Buffer
  /** SHA-256 of the secret in the cookie of the browser that began it. */
  readonly browserHash: Buffer
  readonly nonce: string
  readonly codeVerifier: string
  /** A path on this origin. */
  readonly returnTo: string
  /** What was demanded of it in particular. */
  readonly demand?: Demand
  /** The test that it is: it signs nobody in. */
  readonly testId?: string
  readonly expiresAt: Date
}

/** A sign-in that signs nobody in, and how it ended: refused, or with somebody. */
export interface TriedSignIn extends Progress {
  readonly testId: string
  readonly connection: OidcConnection
  readonly refusal?: Refusal
  readonly person?: VerifiedSignIn
}

export interface ConnectionTests {
  /** The connection of a test that may be begun by this address; that is not begun by asking. */
  waiting(key: { connectionId: string; token: string }): Promise<OidcConnection | null>
  /** Takes the test of this address, so that it is begun once. */
  open(key: {
    connectionId: string
    token: string
  }): Promise<{ id: string; connection: OidcConnection } | null>
  /** The connection, enabled or not, where such a test is under way. */
  connectionOf(key: SignInKey): Promise<OidcConnection | null>
  /** Reports it; whether the person would have been signed in. */
  finish(tried: TriedSignIn): Promise<{ ok: boolean }>
}

/** A person whose id_token has passed every check; claims have the shapes OpenID Connect gives them. */
export interface VerifiedSignIn {
  readonly connection: OidcConnection
  readonly issuer: string
  readonly subject: string
  /** Claims of the id_token, completed by userinfo. Shapes checked for the standard ones. */
  readonly claims: Readonly<Record<string, unknown>>
  readonly sid?: string
  /** When the provider says that a session of ours must end at the latest. */
  readonly sessionExpiry?: Date
  readonly authentication?: Authentication
  readonly idToken: string
  /** When the id_token was. */
  readonly issuedAt: Date
}

/** A provider's word that a session of its own is over, or with no `sid` all of that person. */
export interface SignOut {
  readonly connection: OidcConnection
  readonly way: 'back-channel' | 'front-channel'
  readonly sid?: string
  readonly subject?: string
  /** What was signed in before this ends, even where it is only just coming in. */
  readonly issuedAt: Date
  /** What said so, where it works only once. */
  readonly token?: { readonly jti: string; readonly expiresAt: Date }
}

/** What a verified token says; nothing where that means nothing here. */
export interface ReceivedSignals {
  readonly connection: OidcConnection
  readonly signals: readonly Signal[]
  readonly issuedAt: Date
  readonly token: { readonly jti: string; readonly expiresAt: Date }
}

export interface SignInContext {
  readonly requestId: string
  /** The session cookie that the browser came with. */
  readonly replaces?: string
}

export type SignInResult =
  | { readonly session: { readonly token: string; readonly expiresAt: Date } }
  | { readonly refusal: Refusal }
  /** The connection is off, or leads elsewhere, by now. */
  | { readonly gone: true }

export interface SignInKey {
  readonly connectionId: string
  readonly stateHash: Buffer
}

export interface Begun {
  readonly connection: OidcConnection
  /** Null where none was begun on it, or it is over. */
  readonly transaction: SignInTransaction | null
}

export interface OidcStore {
  /** The connection, when it is enabled and its organization active. */
  connection(id: string): Promise<OidcConnection | null>
  /** The enabled connections of an organization; empty too where there is no such organization. */
  connectionsOf(slug: string): Promise<OidcConnection[]>
  /**
   * The enabled connections of the organization whose verified domain the address is in; null where the text is no
   * address. Whose address it is must make no difference, so nobody is looked for, and an unknown domain costs as much
   * as a known one.
   */
  connectionsFor(address: string): Promise<OidcConnection[] | null>
  saveTransaction(transaction: SignInTransaction): Promise<void>
  /** Takes it out, so that it is used once. Expired ones are not returned. */
  takeTransaction(key: SignInKey): Promise<SignInTransaction | null>
  /** The same with its connection; nothing is taken where that is not enabled, or its organization not active. */
  takeBegun(key: SignInKey): Promise<Begun | null>
  /** Whose session it is, while it is alive. */
  organizationOf(token: string): Promise<Organization | null>
  /** Ends the session; says what the provider needs to end its own. */
  endSession(token: string): Promise<{ connectionId: string; idToken?: string } | null>
  /** Pins what is found where nothing is pinned yet; what is pinned then, null where the connection has changed. */
  pin(connection: OidcConnection, found: ProviderPins): Promise<ProviderPins | null>
  /** Leaves one event of what is found beyond the pins, however often it is; pins it where that is accepted. */
  recordDrift(connection: OidcConnection, found: ProviderPins): Promise<void>
  /** Nothing waits for approval any more, since the provider says no more than is pinned; leaves one event. */
  forgetDrift(connection: OidcConnection): Promise<void>
  /** Ends sessions because the provider says so; false where its token was used before. */
  signOut(signOut: SignOut, context: { requestId: string }): Promise<boolean>
  /** Leaves one event where the connection is known. */
  recordRefusal(refusal: Refusal, context: RefusalContext): Promise<void>
}

/** What is known of providers to all processes, for as long as the version of their connection stays. */
export interface ProviderDocuments {
  read(connection: OidcConnection, kind: DocumentKind): Promise<SharedDocument | null>
  /**
   * True for the one process that may ask, for ten seconds: none within ten seconds of a failure, none where the
   * `generation` that was seen has been replaced, and none after `mostAsked` in a minute.
   */
  claim(connection: OidcConnection, kind: DocumentKind, seen: Seen): Promise<boolean>
  /** Keeps what was claimed. */
  keep(connection: OidcConnection, kind: DocumentKind, body: string): Promise<void>
  keepFailure(
    connection: OidcConnection,
    kind: DocumentKind,
    failure: Pick<Refusal, 'code' | 'detail'>,
  ): Promise<void>
}

export interface OidcOptions {
  readonly store: OidcStore
  /** The key of this moment; absent: no connection may ask for `private_key_jwt`. */
  readonly clientKey?: () => Promise<ClientKey>
  readonly documents: ProviderDocuments
  /** Absent: there are none. */
  readonly tests?: ConnectionTests
  /**
   * Recognizes or provisions the person, begins a session and ends the one it replaces. A connection that was disabled,
   * or led to another provider, while its own was asked lets nobody in.
   */
  readonly signIn: (person: VerifiedSignIn, request: SignInContext) => Promise<SignInResult>
  /** Does what a transmitter of signals says; nothing where its token was used before. */
  readonly signal: (received: ReceivedSignals, request: { requestId: string }) => Promise<void>
  /** The guarded fetch: everything a connection's addresses are asked goes through it. */
  readonly fetch: typeof fetch
  /** True where plain http may be used for this address. */
  readonly allowInsecure: (url: URL) => boolean
  /** The public origin of this service, without a trailing slash. */
  readonly publicUrl: string
  /** The name of the session cookie. `Secure` when `publicUrl` is https. */
  readonly sessionCookie: string
  /** In the language of whoever reads the answer to this request. */
  readonly pages: (request: FastifyRequest) => Pages
  /** Notes what failed, and says in the headers of the reply when to come again. Absent: answered as by the host. */
  readonly failure?: (error: unknown, request: FastifyRequest, reply: FastifyReply) => Failure
  /** Seconds until whoever sent the request may look for an organization; 0 is now, which counts. Absent: always. */
  readonly lookupWait?: (request: FastifyRequest) => number
  /** The same for asking a provider because somebody, who may be anybody, begins a sign-in. */
  readonly pushWait?: (request: FastifyRequest, connection: OidcConnection) => number
  /** The same for asking what the code is worth that somebody comes back with … */
  readonly redeemWait?: (request: FastifyRequest, connection: OidcConnection) => number
  /** … which counts no more where it was worth a person. */
  readonly redeemed?: (request: FastifyRequest, connection: OidcConnection) => void
  readonly now?: () => Date
}
