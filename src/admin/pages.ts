export { listOf, type PageQuery, pageOf } from '../contract/pages.ts'
