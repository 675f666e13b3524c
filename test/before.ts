import { cluster, enterRun } from './cluster.ts'
import { dropLeftovers, ensureTemplate } from './database.ts'

// Counted in first: a run ending now leaves the server to this one.
enterRun()
await cluster()
await dropLeftovers()
await ensureTemplate(0)
await ensureTemplate(4)
