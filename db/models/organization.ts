import {
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  type Model,
  type Sequelize,
} from 'sequelize'

export interface Organization
  extends Model<InferAttributes<Organization>, InferCreationAttributes<Organization>> {
  id: string
  slug: string
  name: string
  /** One of the kind `environment` at most: the public connection is in it. */
  kind: 'enterprise' | 'personal' | 'environment'
  status: 'active' | 'suspended' | 'archived'
  requestsPerSecond: number | null
  createdAt: Date
}

export const defineOrganization = (sequelize: Sequelize) =>
  sequelize.define<Organization>(
    'Organization',
    {
      id: { type: DataTypes.UUID, primaryKey: true },
      slug: { type: DataTypes.TEXT, allowNull: false },
      name: { type: DataTypes.TEXT, allowNull: false },
      kind: { type: DataTypes.TEXT, allowNull: false },
      status: { type: DataTypes.TEXT, allowNull: false },
      requestsPerSecond: DataTypes.INTEGER,
      createdAt: { type: DataTypes.DATE, allowNull: false },
    },
    { tableName: 'organizations', underscored: true, timestamps: false },
  )
