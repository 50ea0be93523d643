import type { AnyNode, Class } from 'acorn'
import { childrenOf } from '../session/scan.ts'

/** A static private field that may have another value than the text of its class gives it. */
export interface StaticField {
  /** With its `#`. */
  readonly name: string
  /** Whether a value is what the text makes; undefined where the text alone does not tell. */
  readonly isInitial: ((value: unknown) => boolean) | undefined
}

/** The static private fields of a class that may change: only its own text can reach them. */
export function changeableFields(node: Class): StaticField[] {
  const fields = node.body.body.flatMap((member) =>
    member.type === 'PropertyDefinition' && member.static && member.key.type === 'PrivateIdentifier'
      ? [{ name: member.key.name, init: member.value ?? undefined }]
      : [],
  )
  const assigned = new Set<string>()
  if (fields.length > 0) addAssigned(node as AnyNode, assigned)
  return fields.flatMap(({ name, init }) => {
    const isConstant = (isFunction(init) || primitiveOf(init) !== undefined) && !assigned.has(name)
    return isConstant ? [] : [{ name: `#${name}`, isInitial: initialTest(init) }]
  })
}

/** The private names that are assigned to somewhere, or stand in what is assigned to. */
function addAssigned(node: AnyNode, names: Set<string>, isTarget = false): void {
  if (isTarget && node.type === 'PrivateIdentifier') names.add(node.name)
  for (const child of childrenOf(node) as AnyNode[]) {
    const isAssigned =
      (node.type === 'AssignmentExpression' && child === node.left) ||
      node.type === 'UpdateExpression' ||
      ((node.type === 'ForInStatement' || node.type === 'ForOfStatement') && child === node.left)
    addAssigned(child, names, isTarget || isAssigned)
  }
}

const isFunction = (node: AnyNode | undefined): boolean =>
  node?.type === 'ArrowFunctionExpression' || node?.type === 'FunctionExpression'

/** The primitive that an expression is, in a box; undefined if it is more than that. */
function primitiveOf(node: AnyNode | undefined): { readonly value: unknown } | undefined {
  if (node === undefined) return { value: undefined }
  if (node.type === 'Literal') return 'regex' in node ? undefined : { value: node.value }
  if (node.type === 'Identifier' && node.name === 'undefined') return { value: undefined }
  if (node.type === 'TemplateLiteral' && node.expressions.length === 0) {
    return { value: node.quasis[0]?.value.cooked }
  }
  if (node.type !== 'UnaryExpression' || node.operator !== '-') return undefined
  const { value } = primitiveOf(node.argument) ?? {}
  return typeof value === 'number' || typeof value === 'bigint' ? { value: -value } : undefined
}

function initialTest(init: AnyNode | undefined): StaticField['isInitial'] {
  const primitive = primitiveOf(init)
  if (primitive !== undefined) return (value) => Object.is(value, primitive.value)
  if (init?.type === 'ArrayExpression' && init.elements.length === 0) {
    return (value) => Array.isArray(value) && value.length === 0
  }
  if (init?.type === 'ObjectExpression' && init.properties.length === 0) {
    return (value) => typeof value === 'object' && value !== null && Reflect.ownKeys(value).length === 0
  }
  if (init?.type !== 'NewExpression' || init.callee.type !== 'Identifier' || init.arguments.length > 0) {
    return undefined
  }
  const { name } = init.callee
  if (name !== 'Map' && name !== 'Set') return undefined
  return (value) => (value instanceof Map || value instanceof Set) && value.size === 0
}
