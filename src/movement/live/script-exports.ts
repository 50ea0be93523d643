import type { AnyNode, Node, Program } from 'acorn'
import { childrenOf } from '../session/scan.ts'
import { looselyLoadedBy, nameOfKey } from './import-origin.ts'

/** What a script may give under a name: a variable of it, a member of one, or what another module exports. */
export type ScriptExport =
  | { readonly local: string; readonly member?: string }
  | { readonly specifier: string; readonly name: string }

/** What passes on all that another module exports, as compilers write it. */
const passesAllOn = /re_?export|export_?(?:star|all)/i

/**
 * What a module that is no ES module any more gives under a name, for the names that has: CommonJS, and what esbuild,
 * TypeScript and Vite make of ES modules. It may be more than it does give.
 */
export function scriptExports(program: Program, name: string): ScriptExport[] {
  if (program.body.some(({ type }) => /^(?:Import|Export).*Declaration$/.test(type))) return []
  const found: ScriptExport[] = []
  const visit = (node: AnyNode): void => {
    found.push(...givenBy(node, name))
    for (const child of childrenOf(node)) visit(child as AnyNode)
  }
  visit(program)
  return found
}

function givenBy(node: AnyNode, name: string): ScriptExport[] {
  switch (node.type) {
    // `__export(exports, { name: () => local })`, `module.exports = { name: local }`
    case 'Property':
      return !node.computed && nameOfKey(node.key) === name ? expressed(node.value) : []
    // `exports.name = local`
    case 'AssignmentExpression':
      return node.left.type === 'MemberExpression' && memberName(node.left) === name
        ? expressed(node.right)
        : []
    case 'CallExpression': {
      const others = (node.arguments as AnyNode[]).filter((one) => !isText(one, name))
      // `Object.defineProperty(exports, 'name', { get: () => local })`
      if (others.length < node.arguments.length)
        return others.filter(({ type }) => type !== 'Identifier').flatMap(expressed)
      const isAll = passesAllOn.test(lastName(node.callee))
      return isAll ? others.flatMap((one) => expressed(one).flatMap((all) => memberOf(all, name))) : []
    }
    default:
      return []
  }
}

const isText = (node: AnyNode, text: string): boolean => node.type === 'Literal' && node.value === text

const memberName = ({ computed, property }: Extract<AnyNode, { type: 'MemberExpression' }>): string =>
  computed && property.type !== 'Literal' ? '' : nameOfKey(property)

const lastName = (node: AnyNode): string =>
  node.type === 'MemberExpression' ? memberName(node) : node.type === 'Identifier' ? node.name : ''

function memberOf(all: ScriptExport, name: string): ScriptExport[] {
  if ('local' in all) return all.member === undefined ? [{ local: all.local, member: name }] : []
  return all.name === '*' ? [{ ...all, name }] : []
}

/** The variables and modules that an expression may give something of. */
function expressed(given: Node): ScriptExport[] {
  const node = given as AnyNode
  const loaded = looselyLoadedBy(node)
  if (loaded !== undefined) return [{ specifier: loaded.specifier, name: loaded.name }]
  switch (node.type) {
    case 'Identifier':
      return [{ local: node.name }]
    case 'MemberExpression':
      return expressed(node.object).flatMap((all) => memberOf(all, memberName(node)))
    case 'AssignmentExpression':
      return expressed(node.right)
    case 'ObjectExpression':
      // A property descriptor.
      return node.properties.flatMap((one) =>
        one.type === 'Property' && /^(?:get|value)$/.test(nameOfKey(one.key)) ? expressed(one.value) : [],
      )
    case 'ArrowFunctionExpression':
    case 'FunctionExpression':
      return node.body.type === 'BlockStatement' ? returned(node.body) : expressed(node.body)
    default:
      return []
  }
}

function returned(node: AnyNode): ScriptExport[] {
  if (node.type === 'ReturnStatement') return node.argument ? expressed(node.argument) : []
  return childrenOf(node).flatMap((child) => returned(child as AnyNode))
}
