import type { Node, Pattern, Property, AssignmentProperty, RestElement } from 'acorn'
import type { Scope } from './scope.ts'

/** Walks an expression or statement inside `scope`. */
export type Visit = (node: Node | null | undefined, scope: Scope) => void

type Target = Pattern | Node | null

/** The names that a pattern binds: `a`, `b` and `c` of `{ a, x: [b = 1, ...c] }`. */
export function boundNames(pattern: Target, names: string[] = []): string[] {
  const target = pattern as Pattern | null
  switch (target?.type) {
    case 'Identifier':
      names.push(target.name)
      break
    case 'ObjectPattern':
      for (const property of target.properties) boundNames(propertyTarget(property), names)
      break
    case 'ArrayPattern':
      for (const element of target.elements) boundNames(element, names)
      break
    case 'AssignmentPattern':
      boundNames(target.left, names)
      break
    case 'RestElement':
      boundNames(target.argument, names)
      break
    default:
  }
  return names
}

/** What to do with the leaves of a pattern that are identifiers or members. */
type VisitLeaf = (leaf: Node, scope: Scope) => void

/** Walks the parts of a pattern that are evaluated: defaults and computed keys; the leaves go to `visitLeaf`. */
export function visitPattern(pattern: Target, scope: Scope, visit: Visit, visitLeaf: VisitLeaf): void {
  if (pattern === null) return
  const target = pattern as Pattern
  switch (target.type) {
    case 'ObjectPattern':
      for (const property of target.properties) {
        if (property.type === 'Property' && property.computed) visit(property.key, scope)
        visitPattern(propertyTarget(property), scope, visit, visitLeaf)
      }
      return
    case 'ArrayPattern':
      for (const element of target.elements) visitPattern(element, scope, visit, visitLeaf)
      return
    case 'AssignmentPattern':
      visitPattern(target.left, scope, visit, visitLeaf)
      visit(target.right, scope)
      return
    case 'RestElement':
      visitPattern(target.argument, scope, visit, visitLeaf)
      return
    default:
      visitLeaf(target, scope)
  }
}

const propertyTarget = (property: Property | AssignmentProperty | RestElement): Node =>
  property.type === 'RestElement' ? property.argument : property.value
