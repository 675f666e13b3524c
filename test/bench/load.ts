import { connect, type Socket } from 'node:net'
import { performance } from 'node:perf_hooks'

/** The text of the next request on a connection, after its last answer; undefined where there is no more to ask. */
export type Next = (answer?: Buffer) => string | undefined

export interface Load {
  readonly port: number
  /** Keep-alive connections, each with one request under way. */
  readonly connections: number
  readonly seconds: number
  readonly next: Next
  /** Each answer must have one of them. */
  readonly status: readonly number[]
}

export interface Loaded {
  readonly requests: number
  readonly seconds: number
}

/** Asks for as long as is wanted; throws at the first answer that is not the expected one. */
export async function load({ connections, seconds, ...asked }: Load): Promise<Loaded> {
  const started = performance.now()
  const until = started + seconds * 1000
  const isOver = () => performance.now() >= until
  const answered = await Promise.all(
    Array.from({ length: connections }, () => drive(connect(asked.port, '127.0.0.1'), { ...asked, isOver })),
  )
  const requests = answered.reduce((sum, one) => sum + one, 0)
  return { requests, seconds: (performance.now() - started) / 1000 }
}

interface Drive extends Pick<Load, 'next' | 'status'> {
  readonly isOver: () => boolean
}

// Callbacks and one look at the head: whatever the load costs, it takes from both that are measured.
function drive(socket: Socket, { next, status, isOver }: Drive): Promise<number> {
  socket.setNoDelay(true)
  return new Promise((resolve, reject) => {
    let answered = 0
    const ask = (answer?: Buffer) => {
      const text = isOver() ? undefined : next(answer)
      if (text === undefined) socket.destroy()
      else socket.write(text)
    }
    const onAnswer = (got: number, answer: Buffer) => {
      if (!status.includes(got)) {
        socket.destroy(new Error(`expected ${status.join(' or ')}: ${answer.toString('utf8', 0, 2000)}`))
      } else {
        answered++
        ask(answer)
      }
    }
    socket.on('data', answerReader(onAnswer))
    socket.on('error', reject)
    socket.on('end', () => socket.destroy(new Error('the server ended the connection')))
    socket.on('close', () => resolve(answered))
    socket.on('connect', () => ask())
  })
}

/** HTTP/1.1 answers as these servers give them: one at a time, with a `content-length` or without a body. */
function answerReader(onAnswer: (status: number, answer: Buffer) => void): (chunk: Buffer) => void {
  let chunks: Buffer[] = []
  let missing = 0
  return (chunk) => {
    chunks.push(chunk)
    if (missing > chunk.length) {
      missing -= chunk.length
      return
    }
    const answer = chunks.length === 1 ? chunk : Buffer.concat(chunks)
    missing = lengthOf(answer) - answer.length
    chunks = missing > 0 ? [answer] : []
    if (missing <= 0) onAnswer(Number(answer.toString('latin1', 9, 12)), answer)
  }
}

function lengthOf(answer: Buffer): number {
  const end = answer.indexOf('\r\n\r\n')
  if (end === -1) return answer.length + 1
  const length = /\r\ncontent-length: (\d+)/.exec(answer.toString('latin1', 0, end))?.[1]
  return end + 4 + Number(length ?? 0)
}

export interface Request {
  readonly method: 'GET' | 'POST' | 'PATCH'
  readonly path: string
  readonly headers?: string
  readonly body?: string
}

export function requestText({ method, path, headers = '', body }: Request): string {
  const head = `${method} ${path} HTTP/1.1\r\nhost: bench\r\n${headers}`
  if (body === undefined) return `${head}\r\n`
  const length = Buffer.byteLength(body)
  return `${head}content-type: application/json\r\ncontent-length: ${length}\r\n\r\n${body}`
}
