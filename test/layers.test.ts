import t from 'tap'
import { budgetViolations, duplicateTitles, MEDIANS, medians } from './house/budget.ts'
import { cycles, environmentReaders, importViolations } from './house/layers.ts'
import { PRODUCT, projectOf, readProject } from './house/project.ts'

const project = readProject([...PRODUCT, 'test'])

t.test('imports keep to the layers', async (t) => {
  t.same(importViolations(project), [])
})

t.test('only the queries of onboarding name its schema', async (t) => {
  const naming = [...project].filter(
    ([path, file]) =>
      !path.startsWith('test/') && /\bonboarding\.\w+|schema onboarding/.test(withoutImports(file.text)),
  )
  t.same(naming.map(([path]) => path).sort(), ['db/migrations/0002-onboarding.ts', 'db/onboarding.ts'])
})

const withoutImports = (text: string) => text.replace(/'\.\S+\.ts'/g, '')

t.test('no file reaches itself, types included', async (t) => {
  t.same(cycles(project), [])
})

t.test('only src/config.ts reads the environment', async (t) => {
  t.same(
    environmentReaders(project).filter((path) => path !== 'src/config.ts'),
    [],
  )
})

t.test('files and functions keep to the budget', async (t) => {
  t.same(budgetViolations(project), [])
  const typical = medians(project)
  t.ok(typical.file <= MEDIANS.file, `a file has ${typical.file} lines`)
  t.ok(typical.function <= MEDIANS.function, `a function has ${typical.function} lines`)
})

t.test('no two tests of a file have the same title', async (t) => {
  t.same(duplicateTitles(project), [])
})

const imports: { from: string; code: string; why?: RegExp }[] = [
  { from: 'src/app.ts', code: "import { scim } from '../scim/index.ts'" },
  { from: 'src/app.ts', code: "import { scim } from '../scim/plugin.ts'", why: /by its index/ },
  { from: 'src/admin/users.ts', code: "export * from '../../db/users.ts'", why: /by its index/ },
  { from: 'src/app.ts', code: "import '../test/cluster.ts'", why: /does not import test/ },
  { from: 'scim/plugin.ts', code: "import type { Db } from '../db/index.ts'", why: /nothing of ours/ },
  { from: 'oidc/login.ts', code: "import '../scim/index.ts'", why: /nothing of ours/ },
  { from: 'db/users.ts', code: "import '../src/errors.ts'", why: /nothing of ours/ },
  { from: 'src/server.ts', code: "import './events/record.ts'" },
  { from: 'src/translate/user.ts', code: "import '../provisioning/plan.ts'" },
  { from: 'src/provisioning/plan.ts', code: "import './policy.ts'" },
  { from: 'src/provisioning/plan.ts', code: "import '../errors.ts'" },
  { from: 'src/provisioning/plan.ts', code: "import '../translate/user.ts'", why: /downwards/ },
  { from: 'src/events/record.ts', code: "await import('../app.ts')", why: /downwards/ },
  { from: 'src/errors.ts', code: "import './events/record.ts'", why: /downwards/ },
  { from: 'src/contract.ts', code: "import './errors.ts'" },
  { from: 'src/provisioning/plan.ts', code: "import '../onboarding/list.ts'", why: /neighbours/ },
  { from: 'src/reports/ready.ts', code: "import '../provisioning/plan.ts'", why: /neighbours/ },
  { from: 'src/onboarding/list.ts', code: "import '../provisioning/plan.ts'", why: /neighbours/ },
  { from: 'src/gateway/a.ts', code: "import '../onboarding/list.ts'", why: /onboarding is for/ },
  { from: 'src/app/a.ts', code: "import '../onboarding/list.ts'", why: /onboarding is for/ },
  { from: 'src/me/person.ts', code: "import '../onboarding/list.ts'" },
  { from: 'src/admin/users.ts', code: "type T = import('../gateway/a.ts').T", why: /neighbours/ },
  { from: 'src/utils/a.ts', code: "import '../errors.ts'", why: /no layer is given for utils/ },
  { from: 'src/gateway/a.ts', code: "import '../../oidc/index.ts'" },
  { from: 'src/admin/a.ts', code: "import '../../scim/index.ts'", why: /see a protocol/ },
  { from: 'src/provisioning/a.ts', code: "import type {} from '../../scim/index.ts'", why: /see a protocol/ },
  { from: 'src/auth.ts', code: "import type { FastifyRequest } from 'fastify'" },
  { from: 'src/gateway/a.ts', code: "import type { FastifyRequest } from 'fastify'", why: /see it/ },
  { from: 'src/server.ts', code: "import '@fastify/helmet'", why: /see it/ },
  { from: 'db/users.ts', code: "import fastify from 'fastify'", why: /no protocol/ },
  { from: 'scim/filter/sql.ts', code: "import pg from 'pg'", why: /knows no database/ },
  { from: 'oidc/login.ts', code: "export { Op } from 'sequelize'", why: /knows no database/ },
  { from: 'db/users.ts', code: "import pg from 'pg'" },
  { from: 'src/app.ts', code: "import { env } from 'node:process'", why: /a global/ },
  { from: 'src/app.ts', code: 'await import(name)', why: /written out/ },
  { from: 'test/a.test.ts', code: "import '../scim/filter/lex.ts'" },
]

t.test('the check of imports knows', async (t) => {
  for (const { from, code, why } of imports) {
    const found = importViolations(projectOf({ [from]: code }))
    t.equal(found.length, why ? 1 : 0, `${from}: ${code}`)
    if (why) t.match(found[0], why)
  }
})

t.test('the check of cycles knows types, long ways round, and files that import themselves', async (t) => {
  const types = {
    'a.ts': "import type { B } from './b.ts'",
    'b.ts': "export type { A } from './c/c.ts'",
    'c/c.ts': "type A = import('../a.ts').A",
    'd.ts': "import './a.ts'",
    'e.ts': "import './e.ts'",
  }
  t.same(cycles(projectOf(types)), ['a.ts <-> b.ts <-> c/c.ts', 'e.ts'])
  t.same(cycles(projectOf({ 'a.ts': "import './b.ts'; import './c.ts'", 'b.ts': "import './c.ts'" })), [])
})

t.test('the check of the environment knows', async (t) => {
  for (const code of ['process.env.HOME', "process['env']", 'const { env } = process', 'f(process)'])
    t.same(environmentReaders(projectOf({ 'db/a.ts': code })), ['db/a.ts'], code)
  t.same(environmentReaders(projectOf({ 'db/a.ts': 'process.platform', 'test/a.ts': 'process.env' })), [])
})

t.test('the check of the budget knows', async (t) => {
  const lines = (count: number) => 'f()\n'.repeat(count)
  const body = (count: number) => `{\n${lines(count - 2)}}`
  const violations = (path: string, text: string) => budgetViolations(projectOf({ [path]: text })).length
  t.equal(violations('src/a.ts', lines(300)), 0)
  t.equal(violations('src/a.ts', lines(301)), 1)
  t.equal(violations('db/migrations/0001-init.ts', lines(301)), 0)
  t.equal(violations('test/a.ts', lines(301)), 0)
  t.equal(violations('src/a.ts', `function a() ${body(50)}`), 0)
  t.equal(violations('src/a.ts', `const a = () => ${body(51)}`), 1)
  t.equal(violations('src/a.ts', `class A { a() ${body(51)} }`), 1)
  t.equal(violations('src/a.ts', 'function a(b, c, d, e, f) {}'), 1)
  t.equal(violations('src/a.ts', 'export default 1'), 1)
  t.equal(violations('src/a.ts', 'export default function a() {}'), 1)
})

t.test('the check of titles knows', async (t) => {
  const same = "t.test('a', f); t.test('b', () => t.test('a', f))"
  t.equal(duplicateTitles(projectOf({ 'test/a.test.ts': same })).length, 1)
  t.equal(
    duplicateTitles(projectOf({ 'test/a.test.ts': "t.test('a', f)", 'b.ts': "t.test('a', f)" })).length,
    0,
  )
})

t.test('the files of the house are the ones that are read', async (t) => {
  for (const path of ['db/embedded.ts', 'scim/handler.ts', 'oidc/ports.ts', 'test/layers.test.ts'])
    t.ok(project.has(path), path)
})
