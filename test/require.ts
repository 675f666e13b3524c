import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** A program of the machine that tests drive. */
export interface Program {
  readonly path: string
  /** For the tests that drive it: skipped where it is absent, with that reason. */
  readonly options: { readonly skip?: string }
}

const usual = ['/usr/local/bin', '/usr/bin', '/usr/sbin']

/** Finds a program; where `USHER_TEST_REQUIRE` is 1, its absence is a failure. */
export function requireProgram(name: string): Program {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...usual]
  const path = folders.map((folder) => join(folder, name)).find(isExecutable)
  if (path) return { path, options: {} }
  const reason = `there is no ${name} on this machine`
  if (process.env.USHER_TEST_REQUIRE === '1') throw new Error(`${reason}, and USHER_TEST_REQUIRE is 1`)
  return { path: name, options: { skip: reason } }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
