import {
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  type Model,
  type Sequelize,
} from 'sequelize'

export interface AdminKey extends Model<InferAttributes<AdminKey>, InferCreationAttributes<AdminKey>> {
  id: string
  name: string
  secretHash: Buffer
  createdAt: Date
  expiresAt: Date | null
  revokedAt: Date | null
}

export const defineAdminKey = (sequelize: Sequelize) =>
  sequelize.define<AdminKey>(
    'AdminKey',
    {
      id: { type: DataTypes.UUID, primaryKey: true },
      name: { type: DataTypes.TEXT, allowNull: false },
      secretHash: { type: DataTypes.BLOB, allowNull: false },
      createdAt: { type: DataTypes.DATE, allowNull: false },
      expiresAt: DataTypes.DATE,
      revokedAt: DataTypes.DATE,
    },
    { tableName: 'admin_keys', underscored: true, timestamps: false },
  )
