import net, { type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import type { DatabaseAddress } from '../../db/index.ts'

/** What stands between the service and its database, and can be cut. */
export interface Between {
  readonly address: DatabaseAddress
  /** Ends every connection; new ones are let through. */
  cut(): void
  /** Ends every connection, and refuses new ones. */
  goAway(): Promise<void>
  comeBack(): Promise<void>
}

/** Before a server that listens on a socket in the folder `host`. */
export async function proxyTo({ host, port, ...rest }: DatabaseAddress): Promise<Between> {
  const open = new Set<Socket>()
  const listener = net.createServer((client) => {
    const server = net.connect(join(host, `.s.PGSQL.${port}`))
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      open.add(from)
      from.pipe(to)
      from.on('error', () => {})
      from.on('close', () => {
        open.delete(from)
        to.destroy()
      })
    }
  })
  const listen = (at: number) => new Promise<void>((done) => listener.listen(at, '127.0.0.1', done))
  const cut = () => open.forEach((socket) => void socket.destroy())
  await listen(0)
  // A server that listens on a port has an address of this kind.
  const { port: own } = listener.address() as AddressInfo
  return {
    address: { ...rest, host: '127.0.0.1', port: own },
    cut,
    async goAway() {
      const closed = new Promise<void>((done) => listener.close(() => done()))
      cut()
      await closed
    },
    comeBack: () => listen(own),
  }
}
