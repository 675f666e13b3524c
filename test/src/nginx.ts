import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Test } from 'tap'
import { freePort } from '../demo/usher.ts'

export interface Product {
  readonly address: string
  /** What it was asked, the oldest first. */
  readonly asked: { readonly url: string; readonly headers: IncomingHttpHeaders; readonly raw: string[] }[]
}

/** What stands behind the proxy: it notes what it is asked, and answers. */
export async function startProduct(t: Test): Promise<Product> {
  const asked: Product['asked'] = []
  const server = createServer(({ url = '', headers, rawHeaders }, response) => {
    asked.push({ url, headers, raw: rawHeaders })
    response.end('the product')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

/** A real nginx by the example of `deploy/`, of which only the addresses are others and the certificate is left out. */
export async function startNginx(
  t: Test,
  { path, usher, product }: { path: string; usher: string; product: string },
): Promise<string> {
  const port = await freePort(0)
  const folder = mkdtempSync(join(tmpdir(), 'usher-nginx-'))
  const example = readFileSync('deploy/nginx.conf', 'utf8')
  const changes: [RegExp, string][] = [
    [/server 127\.0\.0\.1:8080;/, `server ${usher};`],
    [/server 127\.0\.0\.1:3000;/, `server ${product};`],
    [/listen 443 ssl;/, `listen 127.0.0.1:${port};`],
    [/ssl_certificate .*;/, ''],
    [/ssl_certificate_key .*;/, ''],
  ]
  for (const [part] of changes) if (!part.test(example)) throw new Error(`the example has no ${part}`)
  const server = changes.reduce((text, [part, other]) => text.replace(part, other), example)
  writeFileSync(join(folder, 'server.conf'), server)
  writeFileSync(join(folder, 'nginx.conf'), surroundings(folder))
  const child = spawn(path, ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'errors')], {
    stdio: 'inherit',
  })
  const ended = once(child, 'exit')
  t.teardown(async () => {
    child.kill('SIGTERM')
    await ended
    rmSync(folder, { recursive: true })
  })
  await reached(port)
  return `http://127.0.0.1:${port}`
}

const surroundings = (folder: string) => `
  daemon off;
  worker_processes 1;
  pid ${folder}/pid;
  error_log ${folder}/errors;
  events { }
  http {
    access_log off;
    client_body_temp_path ${folder}/body;
    proxy_temp_path ${folder}/proxy;
    fastcgi_temp_path ${folder}/fastcgi;
    uwsgi_temp_path ${folder}/uwsgi;
    scgi_temp_path ${folder}/scgi;
    include ${folder}/server.conf;
  }`

async function reached(port: number): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    const socket = connect(port, '127.0.0.1')
    const open = await new Promise((resolve) =>
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false)),
    )
    socket.destroy()
    if (open) return
    await pause(20)
  }
  throw new Error('nginx does not answer')
}
