import { openCluster, PORT, SUPERUSER } from './embedded/cluster.ts'
import { halt, launch } from './embedded/launch.ts'

/** A real PostgreSQL of our own, reached through a Unix socket: the same engine as with `DATABASE_URL`. */
export interface Embedded {
  /** The folder of its socket. */
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
  /** It was running already: whoever started it was killed. */
  readonly adopted: boolean
  stop(): Promise<void>
}

export async function startEmbedded(
  root: string,
  log: (message: string) => void = () => {},
): Promise<Embedded> {
  const cluster = await openCluster(root)
  const adopted = await launch(cluster)
  log(`embedded PostgreSQL ${adopted ? 'adopted' : 'started'}`)
  const { socket: host, password } = cluster
  const stop = () => halt(cluster)
  return { host, port: PORT, user: SUPERUSER, password, database: 'postgres', adopted, stop }
}
