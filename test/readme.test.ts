import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'

const readme = readFileSync('README.md', 'utf8')

function found(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map(([, name = '']) => name))].sort()
}

t.test('the README lists every setting, and no other', async (t) => {
  const settings = found(readFileSync('src/config.ts', 'utf8'), /setting\('(\w+)'\)/g)
  t.same(found(readme, /^\| `([A-Z_]+)` \|/gm), settings)
})

t.test('the README names commands that exist', async (t) => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: object } // as npm has it
  for (const name of found(readme, /npm run ([\w:]+)/g)) t.ok(name in scripts, name)
  const commands = found(readFileSync('src/cli.ts', 'utf8'), /^ {2}(\w+): (?:async )?\(/gm)
  t.same(found(readme, /`node dist\/src\/cli\.js (\w+)`/g), commands)
})

t.test('the README names paths that exist', async (t) => {
  for (const path of found(readme, /`((?:\w+\/)+|[\w.]+\.yaml)`/g)) t.ok(existsSync(path), path)
  const contract = readFileSync('openapi.yaml', 'utf8')
  for (const path of found(readme, /\$USHER(\/admin\/v1[\w$/-]*)/g)) {
    const template = path.replace(/\$(\w+)/g, (_, name: string) => `{${name.toLowerCase()}Id}`)
    t.ok(contract.includes(`  ${template}:\n`), template)
  }
})
