import {
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  type Model,
  type Sequelize,
} from 'sequelize'

/**
 * What the halves are set to beyond the columns, under the names that the contract has for them: a new setting needs
 * a line there and here.
 */
export interface ConnectionSettings {
  readonly oidc?: OidcSettings
  readonly scim?: ScimSettings
}

export interface ScimSettings {
  /** What a PATCH is answered by; absent: a user by itself, a group by nothing. */
  readonly patchAnswer?: 'resource' | 'nothing'
}

export interface OidcSettings {
  readonly preset?: 'entra' | 'okta' | 'google' | 'keycloak' | 'auth0' | 'generic'
  /** The Google Workspace domain that people must be of. */
  readonly hostedDomain?: string
  /** What becomes of a provider that says more than was approved; absent: it is refused. */
  readonly onDrift?: 'refuse' | 'accept'
  /** Whether logout tokens may lack their `typ` and `exp`. */
  readonly lenientLogoutTokens?: boolean
  readonly claims?: ClaimSettings
  readonly session?: SessionSettings
  readonly signals?: SignalSettings
}

/** Where to look for something: in a claim, by its name or a JSON pointer; or it is always the same. */
export type ClaimSource = string | { readonly constant: string }

/** One place, or several, of which the first will do that has anything. */
export type ClaimRule = ClaimSource | readonly ClaimSource[]

/** What of a person is read from which claims; what is absent is read from where providers usually say it. */
export interface ClaimSettings {
  readonly userName?: ClaimRule
  readonly displayName?: ClaimRule
  readonly name?: ClaimRule
  readonly givenName?: ClaimRule
  readonly familyName?: ClaimRule
  readonly email?: ClaimRule
  /** What must be true for the address to be verified. */
  readonly emailVerified?: string | readonly string[]
  readonly department?: ClaimRule
  readonly groups?: ClaimRule
  readonly roles?: ClaimRule
}

/** How long a session lasts that a sign-in on the connection begins: at most, and without being used; and what that sign-in must show. */
export interface SessionSettings {
  readonly absoluteMinutes?: number
  readonly idleMinutes?: number
  /** Seconds since the provider met the person, at most. */
  readonly maxAge?: number
  readonly acrValues?: readonly string[]
}

/** A stream of signals; its secret has a column of its own. */
export interface SignalSettings {
  readonly issuer: string
  readonly audience: string
  /** Absent: the provider's own keys. */
  readonly jwksUri?: string
  readonly delivery?: 'push' | 'poll'
  readonly endpoint?: string
}

/** What an administrator has approved of a provider, or what of it awaits that. */
export interface ProviderPins {
  readonly algorithms: readonly string[]
  readonly origins: readonly string[]
}

/** `issuer` is null where there is no OIDC half, `scimProfile` where there is no SCIM half. */
export interface Connection extends Model<InferAttributes<Connection>, InferCreationAttributes<Connection>> {
  organizationId: string
  id: string
  name: string
  /** A deleted one is kept for what was done by it, and found by nobody. */
  status: 'active' | 'disabled' | 'deleted'
  issuer: string | null
  clientId: string | null
  clientSecret: string | null
  tokenEndpointAuthMethod: string | null
  correlationClaim: string | null
  scopes: string[] | null
  scimProfile: 'lenient' | 'strict' | null
  scimBareToken: boolean
  settings: ConnectionSettings
  signalToken: string | null
  pins: ProviderPins | null
  drift: ProviderPins | null
  version: number
  createdAt: Date
  updatedAt: Date
}

export const defineConnection = (sequelize: Sequelize) =>
  sequelize.define<Connection>(
    'Connection',
    {
      organizationId: { type: DataTypes.UUID, primaryKey: true },
      id: { type: DataTypes.UUID, primaryKey: true },
      name: { type: DataTypes.TEXT, allowNull: false },
      status: { type: DataTypes.TEXT, allowNull: false },
      issuer: DataTypes.TEXT,
      clientId: DataTypes.TEXT,
      clientSecret: DataTypes.TEXT,
      tokenEndpointAuthMethod: DataTypes.TEXT,
      correlationClaim: DataTypes.TEXT,
      scopes: DataTypes.ARRAY(DataTypes.TEXT),
      scimProfile: DataTypes.TEXT,
      scimBareToken: { type: DataTypes.BOOLEAN, allowNull: false },
      settings: { type: DataTypes.JSONB, allowNull: false },
      signalToken: DataTypes.TEXT,
      pins: DataTypes.JSONB,
      drift: DataTypes.JSONB,
      version: { type: DataTypes.INTEGER, allowNull: false },
      createdAt: { type: DataTypes.DATE, allowNull: false },
      updatedAt: { type: DataTypes.DATE, allowNull: false },
    },
    { tableName: 'connections', underscored: true, timestamps: false },
  )

/** Which organization a connection id belongs to, for requests that name only the connection. */
export interface ConnectionDirectory
  extends Model<InferAttributes<ConnectionDirectory>, InferCreationAttributes<ConnectionDirectory>> {
  id: string
  organizationId: string
}

export const defineDirectory = (sequelize: Sequelize) =>
  sequelize.define<ConnectionDirectory>(
    'ConnectionDirectory',
    {
      id: { type: DataTypes.UUID, primaryKey: true },
      organizationId: { type: DataTypes.UUID, allowNull: false },
    },
    { tableName: 'connection_directory', underscored: true, timestamps: false },
  )
