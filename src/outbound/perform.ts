import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate } from 'node:zlib'
import type { Dispatcher } from 'undici'
import { OutboundError } from './error.ts'

/** What the caller of a fetch gave, and the address that was found in it. */
export interface Asked {
  readonly url: URL
  readonly input: string | URL | Request
  readonly init?: RequestInit | undefined
}

export interface Limits {
  readonly dispatcher: Dispatcher
  /** For headers and body together, in milliseconds. */
  readonly deadline: number
  /** Of the body, decompressed. */
  readonly maxBytes: number
}

interface Outgoing {
  readonly url: URL
  readonly method: string
  readonly headers: Record<string, string>
  readonly body: string | Buffer | null
  readonly signal: AbortSignal | null
}

type Incoming = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2]

interface Received {
  readonly status: number
  readonly statusText: string
  readonly headers: Incoming
  readonly body: Buffer
}

/**
 * One request and its answer, read to the end; a redirect is an answer. Without undici's own fetch, whose streams and
 * signals cost several times what the exchange does.
 */
export async function perform(asked: Asked, limits: Limits): Promise<Response> {
  const outgoing = await outgoingOf(asked)
  try {
    return await answer(await exchange(outgoing, limits), limits.maxBytes)
  } catch (error) {
    if (outgoing.signal?.aborted) throw outgoing.signal.reason
    throw unreachable(error)
  }
}

const OWN = { accept: '*/*', 'user-agent': 'usher' }

async function outgoingOf({ url, input, init = {} }: Asked): Promise<Outgoing> {
  const { method = 'GET', headers, body = null, signal = null } = init
  const isForm = body instanceof URLSearchParams
  if (input instanceof Request || !(body === null || isForm))
    return fromRequest(url, new Request(input, init))
  const type = isForm && { 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8' }
  const given = Object.fromEntries(new Headers(headers))
  return { url, method, headers: { ...OWN, ...type, ...given }, body: isForm ? String(body) : null, signal }
}

async function fromRequest(url: URL, request: Request): Promise<Outgoing> {
  const { method, signal } = request
  const headers = { ...OWN, ...Object.fromEntries(request.headers) }
  return { url, method, headers, body: request.body && Buffer.from(await request.arrayBuffer()), signal }
}

/** Settles by the deadline or the signal, even where the request still waits for a connection. */
function exchange(
  { url, method, headers, body, signal }: Outgoing,
  { dispatcher, deadline, maxBytes }: Limits,
): Promise<Received> {
  if (signal?.aborted) throw signal.reason
  return new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | undefined
    let isOver = false
    const settle = () => {
      isOver = true
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
    const stop = (reason: Error) => {
      settle()
      reject(reason)
      controller?.abort(reason)
    }
    const onAbort = () => stop(signal?.reason)
    const timer = setTimeout(() => stop(new OutboundError('outbound_timeout', 'no answer in time')), deadline)
    signal?.addEventListener('abort', onAbort, { once: true })
    const request = { origin: url.origin, path: url.pathname + url.search, method, headers, body }
    dispatcher.dispatch(request as Dispatcher.DispatchOptions, {
      onRequestStart(started) {
        controller = started
        if (isOver) started.abort(new Error('nobody waits for it'))
      },
      ...reading(
        maxBytes,
        (received) => {
          settle()
          resolve(received)
        },
        stop,
      ),
    })
  })
}

function reading(
  maxBytes: number,
  done: (received: Received) => void,
  failed: (reason: Error) => void,
): Pick<
  Dispatcher.DispatchHandler,
  'onResponseStart' | 'onResponseData' | 'onResponseEnd' | 'onResponseError'
> {
  const chunks: Buffer[] = []
  let head = { status: 0, statusText: '', headers: {} as Incoming }
  let size = 0
  return {
    onResponseStart(_controller, status, headers, statusText = '') {
      head = { status, statusText, headers }
    },
    onResponseData(_controller, chunk) {
      size += chunk.byteLength
      if (size > maxBytes) failed(tooLarge(maxBytes))
      else chunks.push(chunk)
    },
    onResponseEnd: () => done({ ...head, body: Buffer.concat(chunks) }),
    onResponseError: (_controller, error) => failed(error),
  }
}

const tooLarge = (maxBytes: number) => new OutboundError('outbound_too_large', `more than ${maxBytes} bytes`)

type Decoder = (body: Buffer, limit: { maxOutputLength: number }) => Promise<Buffer>

/** How answers are packed by servers that do so without being asked. */
const decoders: Readonly<Record<string, Decoder>> = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
  identity: async (body) => body,
}

/** The body is decoded, so what described its encoding goes; cookies are never kept. */
async function answer({ status, statusText, headers, body }: Received, maxBytes: number): Promise<Response> {
  const { 'content-encoding': encoding, 'content-length': _, 'set-cookie': __, ...kept } = headers
  const decoded = encoding === undefined ? body : await decode(body, String(encoding), maxBytes)
  const list = Object.entries(kept).flatMap(([name, value = []]) =>
    [value].flat().map((one): [string, string] => [name, one]),
  )
  // Of these there is no body (Fetch section 2.2.3), and no Response with one.
  const isBare = [204, 205, 304].includes(status)
  return new Response(isBare ? null : decoded, { status, statusText, headers: list })
}

const MOST_LAYERS = 5

/** From the outermost in, each layer within the limit (RFC 9110 section 8.4). */
async function decode(body: Buffer, encoding: string, maxBytes: number): Promise<Buffer> {
  const layers = encoding.split(',').map((layer) => decoders[layer.trim().toLowerCase()])
  if (layers.length > MOST_LAYERS) throw unreadable()
  let decoded = body
  for (const decoder of layers.reverse()) {
    if (!decoder) throw unreadable()
    if (decoded.length > 0) decoded = await unpacked(decoded, decoder, maxBytes)
  }
  return decoded
}

async function unpacked(body: Buffer, decoder: Decoder, maxBytes: number): Promise<Buffer> {
  try {
    return await decoder(body, { maxOutputLength: maxBytes })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    throw code === 'ERR_BUFFER_TOO_LARGE' ? tooLarge(maxBytes) : error
  }
}

const unreadable = () => new OutboundError('outbound_unreachable', 'request failed: content-encoding')

function unreachable(error: unknown): OutboundError {
  if (error instanceof OutboundError) return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'failed'
  return new OutboundError('outbound_unreachable', `request failed: ${code}`)
}
