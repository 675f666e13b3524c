import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'

export type Answering = (response: ServerResponse) => void

const MIB = 1024 * 1024
const spaces = Buffer.alloc(MIB, ' ')
const HUNDRED = 100

const begin = (response: ServerResponse, more: Record<string, string> = {}) =>
  response.writeHead(200, { 'content-type': 'application/json', ...more })

function* hundredMegabytes() {
  for (let sent = 0; sent < HUNDRED; sent++) yield spaces
}

let bomb: Buffer | undefined

/** Ways to answer with too much; each is left before its end. */
export const FLOODS: Readonly<Record<string, Answering>> = {
  'sends 100 MB': (response) => void Readable.from(hundredMegabytes()).pipe(begin(response)),
  'sends 100 KB that are 100 MB': (response) => {
    bomb ??= gzipSync(Buffer.alloc(HUNDRED * MIB, ' '))
    begin(response, { 'content-encoding': 'gzip' }).end(bomb)
  },
  'sends less that is twice as much': (response) => {
    bomb ??= gzipSync(Buffer.alloc(HUNDRED * MIB, ' '))
    begin(response, { 'content-encoding': 'gzip, gzip' }).end(gzipSync(bomb))
  },
}

/** Ways to come to no end. */
export const DELAYS: Readonly<Record<string, Answering>> = {
  hangs: () => {},
  'drips a byte a second': (response) => {
    begin(response)
    const timer = setInterval(() => response.write(' '), 1000)
    response.on('close', () => clearInterval(timer))
  },
  'hangs after its headers': (response) => begin(response).flushHeaders(),
}
