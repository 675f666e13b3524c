export { userNameKey } from '../../scim/index.ts'
