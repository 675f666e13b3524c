import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Json } from './hostile.ts'

/** Where security event tokens wait to be polled (RFC 8936). */
export interface Transmitter {
  readonly endpoint: string
  /** By `jti`; what is told of goes. */
  readonly waiting: Map<string, unknown>
  readonly requests: { authorization: string | undefined; body: Json & { ack: string[]; setErrs: Json } }[]
  /** What is answered instead, once each. */
  readonly lies: { status?: number; body: string }[]
  close(): Promise<void>
}

export async function startTransmitter(): Promise<Transmitter> {
  const waiting: Transmitter['waiting'] = new Map()
  const requests: Transmitter['requests'] = []
  const lies: Transmitter['lies'] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = JSON.parse(Buffer.concat(chunks).toString())
    requests.push({ authorization: request.headers.authorization, body })
    const lie = lies.shift()
    if (lie) return void response.writeHead(lie.status ?? 200).end(lie.body)
    for (const jti of [...body.ack, ...Object.keys(body.setErrs)]) waiting.delete(jti)
    const sets = Object.fromEntries([...waiting].slice(0, 2))
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ sets, moreAvailable: waiting.size > 2 }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/poll`, // of a server that listens on a port
    waiting,
    requests,
    lies,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
