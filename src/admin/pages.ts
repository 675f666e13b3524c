export { cursorAt, idIn, listOf, type PageQuery, pageOf } from '../contract/pages.ts'
