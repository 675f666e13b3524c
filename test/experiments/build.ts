import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const compiler = join('node_modules', '@typescript', 'native', 'bin', 'tsc')
const data = ['openapi.yaml', join('db', 'invariants.sql')]

let built: Promise<string> | undefined

/** Node without the loaders that a test runner puts into the environment of whatever is spawned. */
export function bareNode(args: readonly string[]): [string, string[]] {
  return ['/usr/bin/env', ['-u', 'NODE_OPTIONS', process.execPath, ...args]]
}

/** The server's main file, compiled once a process. Not from `dist`: that may be old, or be replaced meanwhile. */
export function buildServer(): Promise<string> {
  built ??= build()
  return built
}

async function build(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'usher-build-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const flags = ['-p', 'tsconfig.build.json', '--noCheck', '--outDir', folder]
  await promisify(execFile)(...bareNode([compiler, ...flags]))
  for (const file of data) cpSync(file, join(folder, file))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
  return join(folder, 'src', 'server.js')
}
