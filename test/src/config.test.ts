import t from 'tap'
import { readConfig } from '../../src/config.ts'

const databaseUrl = (DATABASE_URL: string) =>
  readConfig({ DATABASE_URL, USHER_SECRET_KEY: Buffer.alloc(32).toString('base64') }).databaseUrl

t.test('a database is reached by host or by the folder of its socket', async (t) => {
  const urls = [
    ['postgres://u:p@db.example:5433/usher', 'postgres://u:p@db.example:5433/usher'],
    ['postgresql://u:p@localhost/usher?host=%2Frun', 'postgresql://u:p@localhost/usher?host=%2Frun'],
    // as libpq writes a socket folder: without any host before the path
    ['postgres://u:p@/usher?host=%2Frun', 'postgres://u:p@localhost/usher?host=%2Frun'],
    ['postgres:///usher?host=%2Frun', 'postgres:///usher?host=%2Frun'],
  ] as const
  for (const [given, expected] of urls) t.equal(databaseUrl(given), expected)
})

t.test('another kind of database is refused', async (t) => {
  for (const url of ['mysql://u:p@localhost/usher', 'localhost:5432', 'postgres://u:p@'])
    t.throws(() => databaseUrl(url), { name: 'ConfigError', message: /DATABASE_URL must be a postgres/ })
})

t.test('a trusted proxy is an address or a range of them, and never everybody', async (t) => {
  const proxies = (text: string) => readConfig({ USHER_TRUSTED_PROXIES: text }).trustedProxies
  t.same(readConfig({}).trustedProxies, [])
  t.same(proxies(' 127.0.0.1, 10.0.0.0/8,fd00::/8,::1 '), ['127.0.0.1', '10.0.0.0/8', 'fd00::/8', '::1'])
  const wrong = [
    'true',
    '1',
    'loopback',
    'proxy.example',
    '*',
    '0.0.0.0/0',
    '::/0',
    '10.0.0.0/33',
    '10.0.0.0/8/8',
  ]
  for (const text of [...wrong, 'fe80::1%eth0', '10.0.0.0/', '10.0.0.1:80'])
    t.throws(
      () => proxies(text),
      { name: 'ConfigError', message: /USHER_TRUSTED_PROXIES must be addresses/ },
      text,
    )
})
