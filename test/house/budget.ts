import ts from 'typescript'
import { isProduct, lineOf, nodesOf, type Project } from './project.ts'

// Three parameters are the rule; whoever implements the port of `scim` has four.
const LIMITS = { fileLines: 300, functionLines: 50, parameters: 4 }

export const MEDIANS = { file: 120, function: 12 }

// Data rather than code.
const LONG_FILES = /^(db\/migrations|scim\/schema)\//

export function budgetViolations(project: Project): string[] {
  const product = [...project].filter(([path]) => isProduct(path))
  return [
    ...product.flatMap(([path, file]) => (LONG_FILES.test(path) ? [] : overlongFile(path, file))),
    ...product.flatMap(([path, file]) => functionsOf(file).flatMap((node) => overgrown(path, node))),
    ...product.flatMap(([path, file]) => (hasDefaultExport(file) ? [`${path} has a default export`] : [])),
  ]
}

/** What is typical, over all of the product. */
export function medians(project: Project): { file: number; function: number } {
  const files = [...project].filter(([path]) => isProduct(path)).map(([, file]) => file)
  return {
    file: median(files.map(linesOfFile)),
    function: median(files.flatMap(functionsOf).map(linesOfNode)),
  }
}

export function duplicateTitles(project: Project): string[] {
  return [...project].flatMap(([path, file]) => {
    const seen = new Set<string>()
    return titlesOf(file).flatMap((title) => {
      if (seen.has(title)) return [`${path} has two tests named "${title}"`]
      seen.add(title)
      return []
    })
  })
}

function overlongFile(path: string, file: ts.SourceFile): string[] {
  const lines = linesOfFile(file)
  return lines > LIMITS.fileLines ? [`${path} has ${lines} lines`] : []
}

function overgrown(path: string, node: ts.SignatureDeclaration): string[] {
  const at = `${path}:${lineOf(node)} a function`
  const lines = linesOfNode(node)
  return [
    ...(lines > LIMITS.functionLines ? [`${at} of ${lines} lines`] : []),
    ...(node.parameters.length > LIMITS.parameters ? [`${at} of ${node.parameters.length} parameters`] : []),
  ]
}

function functionsOf(file: ts.SourceFile): ts.FunctionLikeDeclaration[] {
  return [...nodesOf(file)].filter(
    (node): node is ts.FunctionLikeDeclaration =>
      ts.isFunctionLike(node) && 'body' in node && node.body !== undefined,
  )
}

function hasDefaultExport(file: ts.SourceFile): boolean {
  return [...nodesOf(file)].some(
    (node) =>
      ts.isExportAssignment(node) ||
      (ts.canHaveModifiers(node) &&
        ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword) === true),
  )
}

function titlesOf(file: ts.SourceFile): string[] {
  return [...nodesOf(file)].flatMap((node) => {
    if (!ts.isCallExpression(node) || !isTest(node.expression)) return []
    const title = node.arguments[0]
    return title && ts.isStringLiteralLike(title) ? [title.text] : []
  })
}

function isTest(callee: ts.Expression): boolean {
  return ts.isPropertyAccessExpression(callee) && callee.name.text === 'test'
}

function linesOfFile(file: ts.SourceFile): number {
  return file.text.trimEnd().split('\n').length
}

function linesOfNode(node: ts.Node): number {
  return node.getText().split('\n').length
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0
}
