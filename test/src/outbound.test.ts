import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo, LookupFunction } from 'node:net'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import t from 'tap'
import { createOutbound, type OutboundSettings } from '../../src/outbound.ts'

const outbound = (settings: Partial<OutboundSettings> = {}) => {
  const made = createOutbound({ allow: [], ...settings })
  t.teardown(() => made.close())
  return made
}

/** A server on loopback that answers as told. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  // A server that listens on a port has an address of this kind.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Resolves every name to these addresses, one list after another. */
function resolving(...answers: string[][]): LookupFunction & { asked: number } {
  const lookup: LookupFunction = (_hostname, _options, callback) => {
    const addresses = answers[Math.min(found.asked, answers.length - 1)] ?? []
    found.asked += 1
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  }
  const found = Object.assign(lookup, { asked: 0 })
  return found
}

const failure = (url: string | URL, settings?: Partial<OutboundSettings>, init?: RequestInit) =>
  outbound(settings)
    .fetch(url, init)
    .then(
      (response) => ({ code: `answered ${response.status}` }),
      (error: { code: string }) => error,
    )

const INSIDE = [
  ...['127.0.0.1', '127.8.9.1', '0.0.0.0', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1'],
  ...['169.254.169.254', '100.64.0.1', '100.127.255.255', '192.0.0.1', '192.0.2.1', '198.18.0.1'],
  ...['198.51.100.1', '203.0.113.1', '224.0.0.1', '239.1.1.1', '240.0.0.1', '255.255.255.255'],
  ...[
    '::',
    '::1',
    'fe80::1',
    'fc00::1',
    'fd12:3456::1',
    'ff02::1',
    'fec0::1',
    '2001:db8::1',
    '2002:7f00:1::',
  ],
  ...[
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '::ffff:7f00:1',
    '64:ff9b::7f00:1',
    '64:ff9b:1::1',
    '2001::1',
    '100::1',
  ],
]

t.test('an address that is not public is refused, written as such', async (t) => {
  for (const address of INSIDE) {
    const host = address.includes(':') ? `[${address}]` : address
    t.equal((await failure(`https://${host}/`)).code, 'outbound_address', address)
  }
})

t.test('a name that resolves to such an address is refused', async (t) => {
  for (const address of [...INSIDE, 'fe80::1%lo']) {
    t.equal(
      (await failure('https://idp.example/', { lookup: resolving([address]) })).code,
      'outbound_address',
      address,
    )
  }
  const mixed = resolving(['93.184.216.34', '10.0.0.1'])
  t.equal((await failure('https://idp.example/', { lookup: mixed })).code, 'outbound_address')
  t.equal((await failure('https://idp.example/', { lookup: resolving([]) })).code, 'outbound_address')
  for (const host of ['localhost', 'localhost.', 'LOCALHOST:8443', 'a.localhost']) {
    t.equal((await failure(`https://${host}/`)).code, 'outbound_address', host)
  }
})

t.test('the address that was checked is the one connected to', async (t) => {
  let reached = 0
  const url = new URL(await serve((_request, response) => response.end(String(++reached))))
  const lookup = resolving(['192.0.2.9'], ['127.0.0.1'])
  const settings = { lookup, allow: ['192.0.2.0/24'], deadline: 300 }
  t.match((await failure('https://idp.example:8443/', settings)).code, /outbound_(timeout|unreachable)/)
  t.equal(lookup.asked, 1, 'the second answer is never asked for')
  t.equal(reached, 0)
  t.ok(url.port)
})

t.test('a URL that nobody honest writes is refused before anything is asked', async (t) => {
  const lookup = resolving(['93.184.216.34'])
  for (const url of [
    ...[
      'http://idp.example/',
      'ftp://idp.example/',
      'file:///etc/passwd',
      'data:text/plain,x',
      'gopher://a/',
    ],
    ...['https://user:pw@idp.example/', 'https://user@idp.example/', 'https://idp.example:80/'],
    ...['https://idp.example:22/', 'https://idp.example:8080/', 'not a url', '//idp.example/'],
    ...[
      'https://2130706433/',
      'https://0177.0.0.1/',
      'https://0x7f.1/',
      'https://127.1/',
      'https://0x08080808/',
    ],
  ]) {
    t.equal((await failure(url, { lookup })).code, 'outbound_url', url)
  }
  t.equal(lookup.asked, 0)
})

t.test('an exception is a host, a host with a port, or a range', async (t) => {
  const url = await serve((_request, response) => response.end('here'))
  const { port } = new URL(url)
  for (const allow of [['127.0.0.1'], [`127.0.0.1:${port}`], ['127.0.0.0/8']]) {
    const { fetch, allowInsecure } = outbound({ allow })
    t.equal(await (await fetch(url)).text(), 'here')
    t.equal(allowInsecure(new URL(url)), true)
    t.equal(allowInsecure(new URL('https://127.0.0.1/')), false, 'https is not insecure')
  }
  for (const allow of [['127.0.0.1:1'], ['127.0.0.2'], ['10.0.0.0/8'], ['localhost'], ['[::1]'], []]) {
    t.equal((await failure(url, { allow })).code, 'outbound_url', String(allow))
    t.equal(outbound({ allow }).allowInsecure(new URL(url)), false)
  }
  const named = outbound({ allow: ['IDP.example'], lookup: resolving(['127.0.0.1']) })
  t.equal(await (await named.fetch(`http://idp.example:${port}`)).text(), 'here')
  const other = { allow: [`idp.example:1`], lookup: resolving(['127.0.0.1']) }
  t.equal((await failure('https://idp.example/', other)).code, 'outbound_address', 'another port of the host')
})

t.test('an exception that is none is told at the start', async (t) => {
  for (const entry of [
    '',
    'a b',
    'http://a',
    'a/b',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/8/8',
    'a:b',
    'u@a',
    '10/8',
  ]) {
    t.throws(() => createOutbound({ allow: [entry] }), /not a host, host:port or CIDR/, entry)
  }
  t.doesNotThrow(() => createOutbound({ allow: ['a', 'a:80', '[::1]:80', '::1', '::/0', '1.2.3.4/32'] }))
})

t.test('a redirect is handed back and not followed', async (t) => {
  let asked = 0
  const url = await serve((_request, response) => {
    asked += 1
    response.writeHead(302, { location: '/elsewhere', 'set-cookie': 'a=b' }).end()
  })
  const response = await outbound({ allow: ['127.0.0.1'] }).fetch(url, { redirect: 'follow' })
  t.match(response, { status: 302 })
  t.equal(response.headers.get('location'), '/elsewhere')
  t.same(response.headers.getSetCookie(), [])
  t.equal(asked, 1)
})

t.test('the request arrives as it was meant', async (t) => {
  const url = await serve(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    response.writeHead(201, {
      'x-method': request.method ?? '',
      'x-type': request.headers['content-type'] ?? '',
    })
    response.end(Buffer.concat(chunks))
  })
  const { fetch } = outbound({ allow: ['127.0.0.1'] })
  const response = await fetch(new URL(url), { method: 'POST', body: new URLSearchParams({ a: 'b c' }) })
  t.equal(response.status, 201)
  t.equal(response.headers.get('x-method'), 'POST')
  t.match(response.headers.get('x-type'), /^application\/x-www-form-urlencoded/)
  t.equal(await response.text(), 'a=b+c')
  t.equal(await (await fetch(new Request(url, { method: 'PUT', body: 'x' }))).text(), 'x')
})

t.test('an empty answer is an answer', async (t) => {
  const url = await serve((_request, response) => response.writeHead(204).end())
  const response = await outbound({ allow: ['127.0.0.1'] }).fetch(url)
  t.equal(response.status, 204)
  t.equal(await response.text(), '')
})

t.test('a body is read up to 1 MiB, counted when it is decompressed', async (t) => {
  const fits = Buffer.alloc(2 ** 20, 'x')
  const bomb = Buffer.alloc(2 ** 24)
  const bodies: Record<string, [string, Buffer]> = {
    '/fits': ['identity', fits],
    '/zipped': ['gzip', gzipSync(fits)],
    '/twice': ['br, GZIP', gzipSync(brotliCompressSync(fits))],
    '/unknown': ['compress', fits],
    '/layers': ['gzip, '.repeat(6).slice(0, -2), fits],
    '/broken': ['gzip', fits],
    '/over': ['identity', Buffer.alloc(2 ** 20 + 1)],
    '/bomb': ['gzip', gzipSync(bomb)],
    '/brotli': ['br', brotliCompressSync(bomb, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })],
  }
  const url = await serve((request, response) => {
    const [encoding, body] = bodies[request.url ?? ''] ?? ['identity', Buffer.alloc(0)]
    response.writeHead(200, { 'content-encoding': encoding }).end(body)
  })
  const allow = ['127.0.0.1']
  for (const path of ['/fits', '/zipped', '/twice']) {
    const response = await outbound({ allow }).fetch(url + path)
    t.equal((await response.arrayBuffer()).byteLength, 2 ** 20)
    t.equal(response.headers.get('content-encoding'), null)
  }
  for (const path of ['/over', '/bomb', '/brotli']) {
    t.equal((await failure(url + path, { allow })).code, 'outbound_too_large', path)
  }
  for (const path of ['/unknown', '/layers', '/broken']) {
    t.equal((await failure(url + path, { allow })).code, 'outbound_unreachable', path)
  }
})

t.test('one deadline is over headers and body together', async (t) => {
  const url = await serve((request, response) => {
    if (request.url !== '/drip') return
    response.writeHead(200)
    const timer = setInterval(() => response.write('x'), 50)
    response.on('close', () => clearInterval(timer))
  })
  for (const path of ['/hang', '/drip']) {
    const started = Date.now()
    t.equal(
      (await failure(url + path, { allow: ['127.0.0.1'], deadline: 300 })).code,
      'outbound_timeout',
      path,
    )
    t.ok(Date.now() - started < 1500)
  }
})

t.test('one origin is asked by no more than so many at once', async (t) => {
  let [open, most] = [0, 0]
  const url = await serve((_request, response) => {
    most = Math.max(most, ++open)
    setTimeout(() => {
      open--
      response.end('x')
    }, 50)
  })
  const { fetch } = outbound({ allow: ['127.0.0.1'] })
  const answers = await Promise.all(Array.from({ length: 150 }, () => fetch(url)))
  t.ok(answers.every(({ status }) => status === 200))
  t.equal(most, 64)
})

t.test('the signal of the caller counts, too', async (t) => {
  const url = await serve(() => {})
  const { fetch } = outbound({ allow: ['127.0.0.1'] })
  const reason = new Error('enough')
  const controller = new AbortController()
  setTimeout(() => controller.abort(reason), 50)
  await t.rejects(fetch(url, { signal: controller.signal }), reason)
  await t.rejects(fetch(url, { signal: AbortSignal.abort(reason) }), reason)
})

t.test('a failure says the code of the system and no more', async (t) => {
  const url = await serve((request) => request.destroy())
  t.match(await failure(`${url}/?secret=1`, { allow: ['127.0.0.1'] }), {
    code: 'outbound_unreachable',
    message: /^request failed: \w+$/,
  })
  const closed = await failure('http://127.0.0.2:65533/', { allow: ['127.0.0.2'] })
  t.match(closed, { code: 'outbound_unreachable', message: 'request failed: ECONNREFUSED' })
})
