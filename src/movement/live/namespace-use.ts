import type { AnyNode, Node } from 'acorn'
import type { FunctionSource } from '../function-source.ts'
import { childrenOf } from '../session/scan.ts'
import { parseFunction } from '../syntax.ts'
import { walkRoot } from '../walk.ts'
import { nameOfKey } from './import-origin.ts'
import { References } from './rewrite.ts'

/** What a function uses of an object: the members that it names, or `all` where it does anything else with it. */
export type NamespaceUse = ReadonlySet<string> | 'all'

const known = new WeakMap<FunctionSource, Map<string, NamespaceUse>>()

/** What the text of a function uses of something that a free name of it stands for. */
export function namespaceUse(read: FunctionSource, name: string): NamespaceUse {
  const uses = known.get(read) ?? new Map<string, NamespaceUse>()
  known.set(read, uses)
  let use = uses.get(name)
  if (use === undefined) {
    use = findUse(read, name)
    uses.set(name, use)
  }
  return use
}

/** The members of it that the function names. */
export function namedMembers(read: FunctionSource, name: string): string[] {
  const use = namespaceUse(read, name)
  return use === 'all' ? [] : [...use]
}

function findUse({ text, isStrict }: FunctionSource, name: string): NamespaceUse {
  const { node } = parseFunction(text, isStrict)
  const references = new References()
  walkRoot(node, isStrict, references)
  const free = references.all.filter((one) => one.name === name && !one.scope.sees(name))
  const places = new Map(free.map(({ start, use }) => [start, use]))
  const members = new Set<string>()
  /** References whose use is understood. */
  const taken = new Set(free.filter(({ use }) => use === 'typeof').map(({ start }) => start))
  const isMeant = (one: Node): boolean => (one as AnyNode).type === 'Identifier' && places.has(one.start)
  const take = (one: Node, found: readonly string[]): void => {
    for (const member of found) members.add(member)
    taken.add(one.start)
  }
  const visit = (one: AnyNode): void => {
    const access = accessIn(one)
    if (access !== undefined && isMeant(access.object) && access.members !== undefined) {
      take(access.object, access.members)
    }
    for (const child of childrenOf(one)) visit(child as AnyNode)
  }
  visit(node as AnyNode)
  return [...places.keys()].every((start) => taken.has(start)) ? members : 'all'
}

interface Access {
  readonly object: Node
  /** Undefined if the text does not tell. */
  readonly members: readonly string[] | undefined
}

/** `object.member`, `object['member']`, `const { member } = object`. */
function accessIn(node: AnyNode): Access | undefined {
  if (node.type === 'MemberExpression') {
    const { object, property, computed } = node
    const isNamed = !computed || (property.type === 'Literal' && typeof property.value === 'string')
    return { object, members: isNamed ? [nameOfKey(property)] : undefined }
  }
  if (node.type === 'VariableDeclarator' && node.init) {
    return { object: node.init, members: membersOfPattern(node.id) }
  }
  return undefined
}

function membersOfPattern(pattern: Node): readonly string[] | undefined {
  const node = pattern as AnyNode
  if (node.type !== 'ObjectPattern') return undefined
  const members: string[] = []
  for (const one of node.properties) {
    if (one.type !== 'Property' || one.computed) return undefined
    members.push(nameOfKey(one.key))
  }
  return members
}
