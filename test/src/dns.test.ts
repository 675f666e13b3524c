import { createSocket } from 'node:dgram'
import t from 'tap'
import { dnsRecords, NoAnswer } from '../../src/domains/records.ts'

const NXDOMAIN = 3
const SERVFAIL = 2

/** What the server of these tests says: the parts of each text, or why there is none. */
const zone: Record<string, string[][] | number> = {
  'one.example': [['usher-verification=x'], ['v=spf1 ', '-all']],
  'none.example': [],
  'broken.example': SERVFAIL,
}

const text = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)])

/** A TXT record (RFC 1035 section 3.2.1) of the name that was asked for. */
function record(parts: readonly string[]): Buffer {
  const data = Buffer.concat(parts.map(text))
  const head = Buffer.from([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60, 0, 0])
  head.writeUInt16BE(data.length, 10)
  return Buffer.concat([head, data])
}

function answerTo(query: Buffer): Buffer {
  const labels: string[] = []
  let at = 12
  for (let size = query[at] ?? 0; size > 0; size = query[at] ?? 0) {
    labels.push(query.toString('ascii', at + 1, at + 1 + size))
    at += size + 1
  }
  const found = zone[labels.join('.').toLowerCase()] ?? NXDOMAIN
  const records = typeof found === 'number' ? [] : found.map(record)
  const head = Buffer.from(query.subarray(0, 12))
  head.writeUInt16BE(0x8180 + (typeof found === 'number' ? found : 0), 2)
  head.writeUInt16BE(records.length, 6)
  head.writeUInt32BE(0, 8)
  return Buffer.concat([head, query.subarray(12, at + 5), ...records])
}

async function startServer(t: { teardown(end: () => void): void }): Promise<string> {
  const socket = createSocket('udp4')
  socket.on('message', (query, { port, address }) => socket.send(answerTo(query), port, address))
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  t.teardown(() => void socket.close())
  return `127.0.0.1:${socket.address().port}`
}

t.test('records are read from name servers', async (t) => {
  const resolve = dnsRecords([await startServer(t)])
  t.same((await resolve('one.example')).sort(), ['usher-verification=x', 'v=spf1 -all'], 'parts are one text')
  t.same(await resolve('none.example'), [])
  t.same(await resolve('nobody.example'), [])
  await t.rejects(resolve('broken.example'), NoAnswer)
  await t.rejects(dnsRecords(['127.0.0.1:1'])('one.example'), NoAnswer)
})
