import type { ModelStatic, Sequelize } from 'sequelize'
import { type AdminKey, defineAdminKey } from './admin-key.ts'
import { type Connection, type ConnectionDirectory, defineConnection, defineDirectory } from './connection.ts'
import { defineOrganization, type Organization } from './organization.ts'
import { defineScimCredential, type ScimCredential } from './scim-credential.ts'

/** What administrators keep: read and written rarely, so by models; what people and IdPs cause is in statements. */
export interface Models {
  readonly AdminKey: ModelStatic<AdminKey>
  readonly Connection: ModelStatic<Connection>
  readonly ConnectionDirectory: ModelStatic<ConnectionDirectory>
  readonly Organization: ModelStatic<Organization>
  readonly ScimCredential: ModelStatic<ScimCredential>
}

/** Made per connection pool: static models would let two pools in one process share the last one. */
export function defineModels(sequelize: Sequelize): Models {
  return {
    AdminKey: defineAdminKey(sequelize),
    Connection: defineConnection(sequelize),
    ConnectionDirectory: defineDirectory(sequelize),
    Organization: defineOrganization(sequelize),
    ScimCredential: defineScimCredential(sequelize),
  }
}
