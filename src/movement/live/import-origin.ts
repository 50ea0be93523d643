import type { AnyNode, ImportDeclaration, Node } from 'acorn'
import type { Declaration } from './declarations.ts'
import { initOf } from './declarations.ts'

/** Where the text of a module says that a name comes from. */
export interface ImportOrigin {
  readonly specifier: string
  /** The export; `*` for the namespace. With `require` a property of what it gives, `*` for that itself. */
  readonly name: string
  readonly isRequire: boolean
  /** Import attributes, such as `{ type: 'json' }`, where there are any. */
  readonly attributes?: ImportAttributes
}

export type ImportAttributes = Readonly<Record<string, string>>

/** The import behind a declaration; undefined if it is none. */
export function importOrigin(
  name: string,
  declaration: Pick<Declaration, 'node' | 'parent'>,
): ImportOrigin | undefined {
  return originIn(name, declaration, loadedBy)
}

/**
 * The import behind a declaration, also where what was imported has gone through a function since, as compilers write it:
 * `await import('x').then(interop)`. So the value may be another one; for the names that it may have had.
 */
export function looseOrigin(
  name: string,
  declaration: Pick<Declaration, 'node' | 'parent'>,
): ImportOrigin | undefined {
  return originIn(name, declaration, looselyLoadedBy)
}

function originIn(
  name: string,
  declaration: Pick<Declaration, 'node' | 'parent'>,
  loader: (node: AnyNode) => ImportOrigin | undefined,
): ImportOrigin | undefined {
  const { node, parent } = declaration
  if (parent.type === 'ImportDeclaration') {
    const base = { specifier: String(parent.source.value), isRequire: false, ...attributesOf(parent) }
    if (node.type === 'ImportNamespaceSpecifier') return { ...base, name: '*' }
    if (node.type === 'ImportDefaultSpecifier') return { ...base, name: 'default' }
    if (node.type !== 'ImportSpecifier') return undefined
    return { ...base, name: nameOfKey(node.imported) }
  }
  if (node.type !== 'VariableDeclarator') return undefined
  const init = initOf(declaration)
  const loaded = init && loader(init)
  if (loaded === undefined) return undefined
  if (node.id.type === 'Identifier') return loaded
  if (node.id.type !== 'ObjectPattern' || loaded.name !== '*') return undefined
  const property = node.id.properties.find(
    (one) => one.type === 'Property' && one.value.type === 'Identifier' && one.value.name === name,
  )
  if (property?.type !== 'Property' || property.computed) return undefined
  return { ...loaded, name: nameOfKey(property.key) }
}

export const nameOfKey = (key: Node): string => {
  const node = key as AnyNode
  return node.type === 'Identifier' ? node.name : String((node as { value?: unknown }).value)
}

function attributesOf(node: Pick<ImportDeclaration, 'attributes'>): Pick<ImportOrigin, 'attributes'> {
  const pairs = node.attributes.map(({ key, value }) => [nameOfKey(key), String(value.value)] as const)
  return pairs.length === 0 ? {} : { attributes: Object.fromEntries(pairs) }
}

/** `{ with: { type: 'json' } }`; undefined if the text does not tell. */
function attributesOfOptions(
  options: AnyNode | null | undefined,
): Pick<ImportOrigin, 'attributes'> | undefined {
  if (!options) return {}
  const [only, ...others] = options.type === 'ObjectExpression' ? options.properties : []
  if (only?.type !== 'Property' || others.length > 0 || nameOfKey(only.key) !== 'with') return undefined
  const pairs: [string, string][] = []
  for (const one of only.value.type === 'ObjectExpression' ? only.value.properties : []) {
    if (one.type !== 'Property' || one.computed || one.value.type !== 'Literal') return undefined
    pairs.push([nameOfKey(one.key), String(one.value.value)])
  }
  return pairs.length === 0 ? undefined : { attributes: Object.fromEntries(pairs) }
}

const viteImport = /^__vi(?:te_ssr)?_import__$/
export const interop = /^(?:__toESM|__importStar|_interopRequireWildcard)$/

/** `require('x')`, `require('x').y`, `__toESM(require('x'))`, `await import('x')`, and what Vite makes of an import. */
function loadedBy(node: AnyNode): ImportOrigin | undefined {
  if (node.type === 'AwaitExpression') return loadedBy(node.argument)
  if (node.type === 'ImportExpression') {
    const attributes = attributesOfOptions(node.options)
    const imported = origin(node.source, false)
    return imported && attributes && { ...imported, ...attributes }
  }
  if (node.type === 'MemberExpression' && !node.computed) {
    const loaded = loadedBy(node.object)
    return loaded?.name === '*' ? { ...loaded, name: nameOfKey(node.property) } : undefined
  }
  if (node.type !== 'CallExpression' || node.callee.type !== 'Identifier') return undefined
  const { name } = node.callee
  const [first] = node.arguments as AnyNode[]
  if (first === undefined) return undefined
  if (name === 'require') return origin(first, true)
  if (viteImport.test(name)) return origin(first, false)
  if (!interop.test(name)) return undefined
  const loaded = loadedBy(first)
  return loaded && { ...loaded, isRequire: false }
}

export function looselyLoadedBy(node: AnyNode): ImportOrigin | undefined {
  if (node.type === 'AwaitExpression') return looselyLoadedBy(node.argument)
  if (node.type === 'MemberExpression' && !node.computed) {
    const loaded = looselyLoadedBy(node.object)
    return loaded?.name === '*' ? { ...loaded, name: nameOfKey(node.property) } : loaded
  }
  if (node.type !== 'CallExpression') return loadedBy(node)
  const { callee } = node
  const isThen = callee.type === 'MemberExpression' && nameOfKey(callee.property) === 'then'
  return isThen ? looselyLoadedBy(callee.object) : loadedBy(node)
}

function origin(source: AnyNode, isRequire: boolean): ImportOrigin | undefined {
  if (source.type !== 'Literal' || typeof source.value !== 'string') return undefined
  return { specifier: source.value, name: '*', isRequire }
}
