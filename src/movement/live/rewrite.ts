import type { AnyNode, Node } from 'acorn'
import { Findings, type Use } from '../findings.ts'
import type { Scope } from '../scope.ts'
import { childrenOf } from '../session/scan.ts'
import { parseFunction } from '../syntax.ts'
import { walkRoot } from '../walk.ts'
import { metaName } from './meta-name.ts'

/** Which names are looked up in cells, and how. */
export interface Rewriting {
  readonly cells: ReadonlySet<string>
  /** Those of them that must not be assigned to. */
  readonly constants: ReadonlySet<string>
}

interface Reference {
  readonly name: string
  readonly start: number
  readonly scope: Scope
  readonly use: Use
}

/** Every reference of a function, as it stands there. */
export class References extends Findings {
  readonly all: Reference[] = []

  override refer(name: string, start: number, scope: Scope, use: Use): void {
    super.refer(name, start, scope, use)
    this.all.push({ name, start, scope, use })
  }
}

/**
 * The text of a function in which each name of a cell is replaced: `x` by `x.v`, a call `x()` by `(0,x.v)()`, and the
 * target of an assignment to a constant by `x.c`, which throws. The parameter that holds the cell has the name of the
 * variable, so that it can't collide with anything. Lines stay what they are.
 */
export function rewriteNames(text: string, isStrict: boolean, { cells, constants }: Rewriting): string {
  const { node, shift } = parseFunction(text, isStrict)
  const references = new References()
  walkRoot(node, isStrict, references)
  const targets = new Map<number, string>()
  for (const { name, start, scope, use } of references.all) {
    if (!cells.has(name) || scope.sees(name)) continue
    if (use === 'write' && constants.has(name)) targets.set(start, `${name}.c`)
    else if (!targets.has(start)) targets.set(start, `${name}.v`)
  }
  return new Editor(targets).edit(text, shift, node as AnyNode)
}

interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

const naming = new Set<string>(['=', '??=', '||=', '&&='])

const isAnonymous = (node: AnyNode): boolean =>
  node.type === 'ArrowFunctionExpression' ||
  ((node.type === 'FunctionExpression' || node.type === 'ClassExpression') && !node.id)

class Editor {
  readonly #targets: ReadonlyMap<number, string>
  readonly #edits = new Map<number, Edit>()
  /** Where statements of a list begin: there a parenthesis would continue the line before. */
  readonly #statements = new Set<number>()

  constructor(targets: ReadonlyMap<number, string>) {
    this.#targets = targets
  }

  edit(text: string, shift: number, node: AnyNode): string {
    this.#visit(node)
    let edited = ''
    let at = 0
    for (const edit of [...this.#edits.values()].toSorted((a, b) => a.start - b.start)) {
      edited += text.slice(at, edit.start - shift) + edit.text
      at = edit.end - shift
    }
    return edited + text.slice(at)
  }

  #visit(node: AnyNode): void {
    switch (node.type) {
      case 'MetaProperty':
        if (node.meta.name === 'import') this.#replace(node.start, node.end, metaName)
        return
      case 'BlockStatement':
      case 'StaticBlock':
        for (const { start } of node.body) this.#statements.add(start)
        break
      case 'SwitchCase':
        for (const { start } of node.consequent) this.#statements.add(start)
        break
      case 'Property':
        if (node.shorthand) this.#shorthand(node.start)
        break
      case 'CallExpression':
        if (node.callee.type === 'Identifier') this.#callee(node.callee)
        break
      case 'AssignmentExpression':
        if (naming.has(node.operator)) this.#named(node.left, node.right)
        break
      case 'AssignmentPattern':
        this.#named(node.left, node.right)
        break
      case 'TaggedTemplateExpression':
        if (node.tag.type === 'Identifier') this.#callee(node.tag)
        break
      case 'Identifier': {
        const target = this.#targets.get(node.start)
        if (target !== undefined) this.#replace(node.start, node.end, target)
        return
      }
      default:
    }
    for (const child of childrenOf(node)) this.#visit(child as AnyNode)
  }

  #shorthand(start: number): void {
    const target = this.#targets.get(start)
    if (target === undefined) return
    const name = target.slice(0, -2)
    this.#replace(start, start + name.length, `${name}:${target}`)
  }

  #callee({ start, end }: Node): void {
    const target = this.#targets.get(start)
    if (target === undefined) return
    this.#replace(start, end, `${this.#statements.has(start) ? ';' : ''}(0,${target})`)
  }

  /** What is assigned to a variable takes its name, what is assigned to a property doesn't. */
  #named(left: AnyNode, right: AnyNode): void {
    if (left.type !== 'Identifier' || !this.#targets.has(left.start) || !isAnonymous(right)) return
    const name = `[${JSON.stringify(left.name)}]`
    this.#replace(right.start, right.start, `({${name}:`)
    this.#replace(right.end, right.end, `}${name})`)
  }

  /** The first to replace a place knows best. */
  #replace(start: number, end: number, text: string): void {
    if (!this.#edits.has(start)) this.#edits.set(start, { start, end, text })
  }
}
