import { cluster, leaveRun } from './cluster.ts'

if (leaveRun()) await (await cluster()).stop()
