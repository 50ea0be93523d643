import type { AnyNode, Node, Program } from 'acorn'
import { Findings, type Use } from '../findings.ts'
import type { Scope } from '../scope.ts'
import { walkRoot } from '../walk.ts'
import { childrenOf } from './scan.ts'

/** An assignment to a name of the top level, or of outside the source. */
export interface FreeWrite {
  readonly name: string
  readonly start: number
}

/** The names that are assigned to and not declared in a function or block of the source. */
export function freeWrites(program: Program, isStrict: boolean): FreeWrite[] {
  const writes = new Writes()
  const opening = { type: 'Identifier', name: '', start: 0, end: 0 } as Node
  walkRoot({ ...program, body: [opening, ...program.body] } as Node, isStrict, writes)
  return writes.free()
}

class Writes extends Findings {
  readonly #writes: { readonly name: string; readonly start: number; readonly scope: Scope }[] = []
  #isOpened = false

  override refer(name: string, start: number, scope: Scope, use: Use): void {
    if (use === 'write') this.#writes.push({ name, start, scope })
    if (this.#isOpened) return
    this.#isOpened = true
    // The scope of the opening node is the outermost one. The walk would declare each `var` of the top level in it,
    // but those are names of the session.
    scope.declare = () => {}
  }

  free(): FreeWrite[] {
    return this.#writes.filter(({ name, scope }) => !scope.sees(name))
  }
}

/** How the targets that begin at `starts` are written: by which operator, and whether as `{ name }`. */
export function writeForms(
  program: Program,
  starts: ReadonlySet<number>,
): Map<number, { operator: string; isShorthand: boolean }> {
  const forms = new Map<number, { operator: string; isShorthand: boolean }>()
  const visit = (given: Node): void => {
    const node = given as AnyNode
    if (node.type === 'AssignmentExpression' && starts.has(node.left.start)) {
      if (node.left.type === 'Identifier') {
        forms.set(node.left.start, { operator: node.operator, isShorthand: false })
      }
    } else if (node.type === 'Property' && node.shorthand && starts.has(node.start)) {
      forms.set(node.start, { operator: '=', isShorthand: true })
    }
    for (const child of childrenOf(node)) visit(child)
  }
  visit(program)
  return forms
}
