import { type Db, pollingConnections, takeLease } from '../../db/index.ts'
import type { OidcConnection, OidcStore } from '../../oidc/index.ts'

export interface PollHost {
  readonly db: Db
  readonly clock: () => Date
  readonly store: Pick<OidcStore, 'connection'>
  /** Takes less than the lease, whatever the transmitter does. */
  readonly poll: (connection: OidcConnection) => Promise<void>
  readonly log: { warn(what: object, message: string): void }
}

export const EVERY = 30_000
/** A little less, so that whoever comes next finds it free. */
const LEASE = EVERY - 2000
const AT_ONCE = 10

/** Polls the streams that nobody has polled a moment ago: each is held by one process at a time. */
export async function pollDue(host: PollHost, holder: string, stop: AbortSignal): Promise<void> {
  const waiting = await pollingConnections(host.db)
  const work = async () => {
    for (let id = waiting.pop(); id !== undefined && !stop.aborted; id = waiting.pop())
      await pollOne(host, holder, id).catch((err: unknown) =>
        host.log.warn({ err, connectionId: id }, 'signals were not polled'),
      )
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}

async function pollOne({ db, clock, store, poll }: PollHost, holder: string, id: string): Promise<void> {
  const now = clock()
  const until = new Date(now.getTime() + LEASE)
  if (!(await takeLease(db, { name: `signals:${id}`, holder, now, until }))) return
  const connection = await store.connection(id)
  if (connection?.signals?.endpoint !== undefined) await poll(connection)
}
