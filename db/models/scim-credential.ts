import {
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  type Model,
  type Sequelize,
} from 'sequelize'

export interface ScimCredential
  extends Model<InferAttributes<ScimCredential>, InferCreationAttributes<ScimCredential>> {
  organizationId: string
  id: string
  connectionId: string
  secretHash: Buffer
  createdAt: Date
  expiresAt: Date | null
  revokedAt: Date | null
  lastUsedAt: Date | null
}

export const defineScimCredential = (sequelize: Sequelize) =>
  sequelize.define<ScimCredential>(
    'ScimCredential',
    {
      organizationId: { type: DataTypes.UUID, primaryKey: true },
      id: { type: DataTypes.UUID, primaryKey: true },
      connectionId: { type: DataTypes.UUID, allowNull: false },
      secretHash: { type: DataTypes.BLOB, allowNull: false },
      createdAt: { type: DataTypes.DATE, allowNull: false },
      expiresAt: DataTypes.DATE,
      revokedAt: DataTypes.DATE,
      lastUsedAt: DataTypes.DATE,
    },
    { tableName: 'scim_credentials', underscored: true, timestamps: false },
  )
