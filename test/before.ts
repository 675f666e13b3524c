import { cluster, enterRun } from './cluster.ts'
import { dropLeftovers, ensureTemplate } from './database.ts'

await cluster()
enterRun()
await dropLeftovers()
await ensureTemplate(0)
await ensureTemplate(4)
