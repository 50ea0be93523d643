import { type AnyNode, parse, type Program } from 'acorn'
import { childrenOf } from '../session/scan.ts'
import { interop } from './import-origin.ts'
import { assignedIn, type Declaration, declaredIn } from './declarations.ts'

/** A variable of a module as seen from a place in it. */
export interface Variable extends Declaration {
  /** Nothing but its declaration gives it a value. */
  readonly isNeverReassigned: boolean
}

/** The text of a module, as a tree; undefined if it is no JavaScript that our parser knows. */
export function parseModule(source: string): Program | undefined {
  for (const sourceType of ['module', 'script'] as const) {
    try {
      return parse(source, {
        ecmaVersion: 'latest',
        sourceType,
        allowHashBang: true,
        allowReturnOutsideFunction: true,
        allowAwaitOutsideFunction: true,
        allowSuperOutsideMethod: true,
      })
    } catch {
      // Sloppy code, most likely; or no way to know.
    }
  }
  return undefined
}

/** What the text of a module says about the names in it. */
export class ModuleFacts {
  readonly #program: Program
  /** The scopes whose names are the module's: the program, or what a test runner has wrapped it in. */
  readonly #topLevel: ReadonlySet<AnyNode>
  #namespaces: ReadonlySet<string> | undefined

  private constructor(program: Program) {
    this.#program = program
    this.#topLevel = topLevelOf(program)
  }

  /** Undefined if the text is no JavaScript that our parser knows. */
  static read(source: string): ModuleFacts | undefined {
    const program = parseModule(source)
    return program && new ModuleFacts(program)
  }

  /** Names that a bundler has made namespaces: `let fs = require('fs'); fs = __toESM(fs)`. */
  get namespaces(): ReadonlySet<string> {
    this.#namespaces ??= namespacesIn(this.#program)
    return this.#namespaces
  }

  /** What `name` is around a function whose text begins at an offset; undefined if nothing there declares it. */
  lookUp(name: string, offset: number): Variable | undefined {
    const around = this.#around(offset)
    for (let i = around.length - 1; i >= 0; i--) {
      const node = around[i]!
      // The function itself; the program may begin with it.
      if (node.start >= offset && i > 0) continue
      const found = declaredIn(node).get(name)
      if (found === undefined) continue
      const isNeverReassigned =
        found.kind === 'const' || found.kind === 'import' || !assignedIn(node).has(name)
      return { ...found, scopeStart: node.start, isTopLevel: this.#topLevel.has(node), isNeverReassigned }
    }
    return undefined
  }

  /** The nodes that an offset stands in, outermost first. */
  #around(offset: number): AnyNode[] {
    const nodes: AnyNode[] = []
    let node: AnyNode | undefined = this.#program
    while (node !== undefined) {
      nodes.push(node)
      node = childrenOf(node).find((child) => child.start <= offset && offset < child.end) as
        | AnyNode
        | undefined
    }
    return nodes
  }
}

function namespacesIn(program: Program): Set<string> {
  const names = new Set<string>()
  for (const statement of program.body) {
    if (statement.type !== 'ExpressionStatement' || statement.expression.type !== 'AssignmentExpression')
      continue
    const { left, right } = statement.expression
    if (left.type !== 'Identifier' || right.type !== 'CallExpression') continue
    if (right.callee.type === 'Identifier' && interop.test(right.callee.name)) names.add(left.name)
  }
  return names
}

function topLevelOf(program: Program): Set<AnyNode> {
  const nodes = new Set<AnyNode>([program])
  const statements = program.body.filter(
    (node) => !(node.type === 'ExpressionStatement' && node.directive !== undefined),
  )
  const [only] = statements
  if (statements.length !== 1 || only?.type !== 'ExpressionStatement') return nodes
  const { expression } = only
  if (expression.type !== 'ArrowFunctionExpression' && expression.type !== 'FunctionExpression') return nodes
  nodes.add(expression)
  if (expression.body.type !== 'BlockStatement') return nodes
  nodes.add(expression.body)
  const [inner] = expression.body.body
  if (expression.body.body.length === 1 && inner?.type === 'BlockStatement') nodes.add(inner)
  return nodes
}
