import type { Identifier, ImportDeclaration, Literal } from 'acorn'
import { compileImportOf, silenceImportWarning } from '../dynamic-import.ts'
import { type ParsedSource, placeAt } from './parse.ts'

/** A name that an import declares, and its value now: what the module assigns later is not seen. */
export interface ImportedName {
  readonly name: string
  readonly value: unknown
}

/**
 * Loads the modules of static imports, one after the other, before anything else of the source.
 *
 * Rejects with what the module threw, or with a SyntaxError if it has no such export. The stack ends with the place
 * of the import.
 */
export async function loadImports(
  imports: readonly ImportDeclaration[],
  source: ParsedSource,
): Promise<ImportedName[]> {
  silenceImportWarning()
  const load = compileImportOf(source.filename)
  const found: ImportedName[] = []
  for (const declaration of imports) {
    const specifier = String(declaration.source.value)
    const attributes = attributesOf(declaration)
    try {
      const module = await load(specifier, attributes && { with: attributes })
      found.push(...namesOf(declaration, specifier, module))
    } catch (error) {
      throw withPlace(error, declaration, source)
    }
  }
  return found
}

function attributesOf({ attributes }: ImportDeclaration): Record<string, string> | undefined {
  if (attributes.length === 0) return undefined
  return Object.fromEntries(attributes.map(({ key, value }) => [textOf(key), String(value.value)]))
}

const textOf = (node: Identifier | Literal): string =>
  node.type === 'Identifier' ? node.name : String(node.value)

function namesOf(
  { specifiers }: ImportDeclaration,
  specifier: string,
  module: Record<string, unknown>,
): ImportedName[] {
  return specifiers.map((part) => {
    const { name } = part.local
    if (part.type === 'ImportNamespaceSpecifier') return { name, value: module }
    const key = part.type === 'ImportDefaultSpecifier' ? 'default' : textOf(part.imported)
    if (key in module) return { name, value: module[key] }
    const error = new SyntaxError(
      `The requested module '${specifier}' does not provide an export named '${key}'`,
    )
    error.stack = `SyntaxError: ${error.message}`
    throw error
  })
}

// A module that failed gives the same error each time: it is marked once.
const marked = new WeakSet<Error>()

function withPlace(error: unknown, { start }: ImportDeclaration, { text, filename }: ParsedSource): unknown {
  if (!(error instanceof Error) || typeof error.stack !== 'string' || marked.has(error)) return error
  marked.add(error)
  const { line, column } = placeAt(text, start)
  const frame = `    at ${filename}:${line}:${column}`
  try {
    error.stack = `${error.stack.trimEnd()}\n${frame}`
  } catch {} // Frozen: then without.
  return error
}
