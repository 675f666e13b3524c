import ts from 'typescript'
import { type Import, importsOf, isProduct, nodesOf, type Project, topFolder } from './project.ts'

/** DESIGN section 5, from the top down: a part imports the parts below it, and none beside it. */
const LAYERS = [
  ['server', 'cli'],
  ['start'],
  ['app', 'worker', 'admin-key'],
  ['admin', 'me', 'console', 'gateway', 'health', 'oauth'],
  ['translate', 'structure'],
  ['provisioning', 'onboarding', 'reports', 'domains'],
  ['events', 'signing-keys'],
  ['config', 'errors', 'auth', 'contract', 'outbound', 'secrets', 'limits', 'keys', 'metrics'],
  ['ids'],
]
const LEAVES = LAYERS.findIndex((layer) => layer.includes('errors'))

const SEES_PROTOCOLS = ['app', 'gateway', 'translate']
const SEES_FASTIFY = ['app', 'auth', 'contract', 'admin', 'me', 'console', 'health', 'oauth']
/** Where somebody is shown their checklist, or steers it: nothing else knows that there are any. */
const SEES_ONBOARDING = ['admin', 'me', 'console']
const DATABASE = ['pg', 'sequelize', 'umzug']

type Rule = (edge: Import) => string | undefined

const rules: Rule[] = [acrossFolders, insideSource, apart, protocols, packages]

export function importViolations(project: Project): string[] {
  return importsOf(project)
    .filter(({ from }) => isProduct(from))
    .flatMap((edge) =>
      rules.flatMap((rule) => {
        const why = rule(edge)
        return why ? [`${edge.from} imports ${edge.to}: ${why}`] : []
      }),
    )
}

function acrossFolders({ from, to, ours }: Import): string | undefined {
  const [source, target] = [topFolder(from), topFolder(to)]
  if (!ours || source === target) return undefined
  if (source !== 'src') return `${source} imports nothing of ours`
  if (!['scim', 'oidc', 'db'].includes(target)) return `src does not import ${target}`
  return to === `${target}/index.ts` ? undefined : 'another folder is entered by its index.ts'
}

function insideSource({ from, to, ours }: Import): string | undefined {
  if (!ours || topFolder(from) !== 'src' || topFolder(to) !== 'src') return undefined
  const [source, target] = [partOf(from), partOf(to)]
  if (source === target) return undefined
  const [above, below] = [layerOf(source), layerOf(target)]
  if (above < 0 || below < 0) return `no layer is given for ${above < 0 ? source : target}`
  if (above < below || (above === LEAVES && below === LEAVES)) return undefined
  return above === below ? 'neighbours do not import each other' : 'imports go downwards only'
}

function apart({ from, to, ours }: Import): string | undefined {
  if (!ours || partOf(to) !== 'onboarding' || partOf(from) === 'onboarding') return undefined
  // What goes against the layers is told once.
  if (topFolder(from) !== 'src' || insideSource({ from, to, ours })) return undefined
  return SEES_ONBOARDING.includes(partOf(from))
    ? undefined
    : 'onboarding is for people and administrators alone'
}

function protocols({ from, to, ours }: Import): string | undefined {
  if (!ours || topFolder(from) !== 'src' || !['scim', 'oidc'].includes(topFolder(to))) return undefined
  return SEES_PROTOCOLS.includes(partOf(from))
    ? undefined
    : `only ${SEES_PROTOCOLS.join(', ')} see a protocol`
}

function packages({ from, to, ours }: Import): string | undefined {
  if (ours) return undefined
  if (to === '(computed)') return 'an import is written out'
  if (/^(node:)?process$/.test(to)) return 'process is a global'
  const folder = topFolder(from)
  if (/^@?fastify(\/|$)/.test(to)) return fastify(folder, partOf(from))
  const protocol = folder === 'scim' || folder === 'oidc'
  return protocol && DATABASE.includes(topFolder(to)) ? `${folder} knows no database` : undefined
}

function fastify(folder: string, part: string): string | undefined {
  if (folder === 'db') return 'db knows no protocol'
  return folder !== 'src' || SEES_FASTIFY.includes(part)
    ? undefined
    : `only ${SEES_FASTIFY.join(', ')} see it`
}

/** `src/admin/users.ts` and `src/admin.ts` are both part `admin`. */
function partOf(path: string): string {
  return (path.split('/')[1] ?? '').replace(/\.tsx?$/, '')
}

function layerOf(part: string): number {
  return LAYERS.findIndex((layer) => layer.includes(part))
}

/** Groups of files that reach each other, types included. */
export function cycles(project: Project): string[] {
  const targets = targetsOf(project)
  const reach = new Map([...project.keys()].map((path) => [path, reachable(path, targets)]))
  const looping = [...reach].filter(([path, reached]) => reached.has(path))
  const groups = looping.map(([path, reached]) =>
    [...reached]
      .filter((other) => reach.get(other)?.has(path))
      .sort()
      .join(' <-> '),
  )
  return [...new Set(groups)]
}

function targetsOf(project: Project): Map<string, string[]> {
  const targets = new Map([...project.keys()].map((path): [string, string[]] => [path, []]))
  for (const { from, to, ours } of importsOf(project)) if (ours) targets.get(from)?.push(to)
  return targets
}

function reachable(path: string, targets: ReadonlyMap<string, readonly string[]>): Set<string> {
  const reached = new Set<string>()
  const waiting = [path]
  for (let from = waiting.pop(); from; from = waiting.pop())
    for (const to of targets.get(from) ?? [])
      if (!reached.has(to)) {
        reached.add(to)
        waiting.push(to)
      }
  return reached
}

export function environmentReaders(project: Project): string[] {
  return [...project]
    .filter(([path, file]) => isProduct(path) && [...nodesOf(file)].some(readsEnvironment))
    .map(([path]) => path)
}

function readsEnvironment(node: ts.Node): boolean {
  if (ts.isPropertyAccessExpression(node)) return node.name.text === 'env' && isProcess(node.expression)
  // taken whole or by a computed name, it could hide its `env`
  if (ts.isElementAccessExpression(node)) return isProcess(node.expression)
  if (ts.isVariableDeclaration(node)) return node.initializer !== undefined && isProcess(node.initializer)
  return ts.isCallExpression(node) && node.arguments.some(isProcess)
}

function isProcess(node: ts.Node): boolean {
  return /^(globalThis\.)?process$/.test(node.getText())
}
