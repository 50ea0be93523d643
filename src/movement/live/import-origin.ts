import type { AnyNode, Node } from 'acorn'
import type { Declaration } from './declarations.ts'
import { initOf } from './declarations.ts'

/** Where the text of a module says that a name comes from. */
export interface ImportOrigin {
  readonly specifier: string
  /** The export; `*` for the namespace. With `require` a property of what it gives, `*` for that itself. */
  readonly name: string
  readonly isRequire: boolean
}

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
    const specifier = String(parent.source.value)
    if (node.type === 'ImportNamespaceSpecifier') return { specifier, name: '*', isRequire: false }
    if (node.type === 'ImportDefaultSpecifier') return { specifier, name: 'default', isRequire: false }
    if (node.type !== 'ImportSpecifier') return undefined
    return { specifier, name: nameOfKey(node.imported), isRequire: false }
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

const viteImport = /^__vi(?:te_ssr)?_import__$/
export const interop = /^(?:__toESM|__importStar|_interopRequireWildcard)$/

/** `require('x')`, `require('x').y`, `__toESM(require('x'))`, `await import('x')`, and what Vite makes of an import. */
function loadedBy(node: AnyNode): ImportOrigin | undefined {
  if (node.type === 'AwaitExpression') return loadedBy(node.argument)
  if (node.type === 'ImportExpression') return origin(node.source, false)
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

function looselyLoadedBy(node: AnyNode): ImportOrigin | undefined {
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
