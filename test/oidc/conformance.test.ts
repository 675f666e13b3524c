import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { MODULES } from './conformance.ts'

const ROOT = join(import.meta.dirname, '../..')

t.test('what a relying party is certified for is shown by the tests that are named', async (t) => {
  for (const [module, [file, title]] of Object.entries(MODULES))
    t.ok(readFileSync(join(ROOT, file), 'utf8').includes(title), `${module}: ${title} in ${file}`)
})
