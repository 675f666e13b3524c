import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import ts from 'typescript'

/** Parsed files by their path from the root of the repository. */
export type Project = ReadonlyMap<string, ts.SourceFile>

export interface Import {
  readonly from: string
  /** The path of a file of ours, else the specifier as written. */
  readonly to: string
  readonly ours: boolean
}

export const PRODUCT = ['db', 'oidc', 'scim', 'src']

export function readProject(folders: readonly string[]): Project {
  const paths = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => posix.join(folder, name)),
  )
  const sources = paths.filter((path) => /\.tsx?$/.test(path))
  return projectOf(Object.fromEntries(sources.map((path) => [path, readFileSync(path, 'utf8')])))
}

export function projectOf(texts: Readonly<Record<string, string>>): Project {
  return new Map(
    Object.entries(texts).map(([path, text]) => [
      path,
      ts.createSourceFile(path, text, { languageVersion: ts.ScriptTarget.ES2023 }, true),
    ]),
  )
}

export function topFolder(path: string): string {
  return path.split('/')[0] ?? ''
}

export function isProduct(path: string): boolean {
  return PRODUCT.includes(topFolder(path))
}

export function* nodesOf(file: ts.SourceFile): Generator<ts.Node> {
  const waiting: ts.Node[] = [file]
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    yield node
    ts.forEachChild(node, (child) => void waiting.push(child))
  }
}

export function lineOf(node: ts.Node): number {
  const file = node.getSourceFile()
  return file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1
}

/** Every form counts: `import`, `export from`, `import()`, and the ones for types alone. */
export function importsOf(project: Project): Import[] {
  return [...project].flatMap(([from, file]) =>
    [...nodesOf(file)].flatMap((node) => {
      const specifier = specifierOf(node)
      return specifier === undefined ? [] : [resolved(from, specifier)]
    }),
  )
}

function resolved(from: string, specifier: string): Import {
  const ours = specifier.startsWith('.')
  return { from, ours, to: ours ? posix.join(posix.dirname(from), specifier) : specifier }
}

function specifierOf(node: ts.Node): string | undefined {
  const text = specifierNode(node)
  if (!text) return undefined
  return ts.isStringLiteralLike(text) ? text.text : '(computed)'
}

function specifierNode(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier
  if (ts.isImportTypeNode(node)) return ts.isLiteralTypeNode(node.argument) ? node.argument.literal : node
  if (ts.isExternalModuleReference(node)) return node.expression
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
    return node.arguments[0]
  return undefined
}
