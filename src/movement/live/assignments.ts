import type { AnyNode, Function as FunctionNode, Node } from 'acorn'
import { boundNames, visitPattern } from '../patterns.ts'
import { Scope, outsideFrame } from '../scope.ts'
import { childrenOf } from '../session/scan.ts'

/** What is assigned to in a node, besides where it is declared. */
export interface Assignments {
  /** Whose they are is not asked: one too many does no harm. */
  readonly names: ReadonlySet<string>
  /** Text that nobody can read may assign to anything. */
  readonly hasEval: boolean
}

const assignedInNode = new WeakMap<Node, Assignments>()
const anywhere = new Scope('outside', undefined, outsideFrame(false), true)

/** Finds the names that are assigned to somewhere in a node. */
export function assignedIn(root: AnyNode): Assignments {
  const known = assignedInNode.get(root)
  if (known !== undefined) return known
  const found = new AssignmentFinder()
  found.find(root)
  assignedInNode.set(root, found)
  return found
}

/** What declares variables of its own by `var`. */
interface Body {
  /** Names that a parameter, a function or a `var` has declared so far. */
  readonly declared: Set<string>
  /** Names that a `var` gives a value. */
  readonly initialised: Set<string>
  loops: number
}

class AssignmentFinder implements Assignments {
  readonly names = new Set<string>()
  hasEval = false
  #body: Body = { declared: new Set(), initialised: new Set(), loops: 0 }

  find(node: AnyNode): void {
    switch (node.type) {
      case 'AssignmentExpression':
        this.#assigned(node.left)
        break
      case 'UpdateExpression':
        this.#assigned(node.argument)
        break
      case 'CallExpression':
        if (node.callee.type === 'Identifier' && node.callee.name === 'eval') this.hasEval = true
        break
      case 'VariableDeclaration':
        if (node.kind === 'var') this.#varDeclaration(node)
        break
      case 'FunctionDeclaration':
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
        if (node.type === 'FunctionDeclaration' && node.id) this.#declared(node.id.name)
        this.#function(node)
        return
      case 'ForInStatement':
      case 'ForOfStatement':
        if (node.left.type !== 'VariableDeclaration') this.#assigned(node.left)
        else if (node.left.kind === 'var') this.#assigned(node.left.declarations[0]!.id)
        this.#loop(node)
        return
      case 'ForStatement':
      case 'WhileStatement':
      case 'DoWhileStatement':
        this.#loop(node)
        return
      default:
    }
    this.#inside(node)
  }

  #inside(node: AnyNode): void {
    for (const child of childrenOf(node)) this.find(child as AnyNode)
  }

  #loop(node: AnyNode): void {
    this.#body.loops++
    this.#inside(node)
    this.#body.loops--
  }

  #function(node: FunctionNode & AnyNode): void {
    const outer = this.#body
    const parameters = node.params.flatMap((parameter) => boundNames(parameter))
    this.#body = { declared: new Set(parameters), initialised: new Set(), loops: 0 }
    // `arguments[0] = 1` gives the first parameter another value, in sloppy code.
    if (usesArguments(node)) for (const name of parameters) this.names.add(name)
    this.#inside(node)
    this.#body = outer
  }

  #assigned(pattern: Node): void {
    visitPattern(
      pattern,
      anywhere,
      () => {},
      (leaf) => {
        if (leaf.type === 'Identifier')
          this.names.add((leaf as Extract<AnyNode, { type: 'Identifier' }>).name)
      },
    )
  }

  #declared(name: string): void {
    const { declared, initialised } = this.#body
    if (declared.has(name) && initialised.has(name)) this.names.add(name)
    declared.add(name)
  }

  /** A `var` that runs more than once, or is not the only one to declare its name, gives it another value. */
  #varDeclaration({ declarations }: Extract<AnyNode, { type: 'VariableDeclaration' }>): void {
    const { declared, initialised, loops } = this.#body
    for (const { id, init } of declarations) {
      for (const name of boundNames(id)) {
        const isAgain = declared.has(name) && (Boolean(init) || initialised.has(name))
        if (isAgain || (init && loops > 0)) this.names.add(name)
        declared.add(name)
        if (init) initialised.add(name)
      }
    }
  }
}

function usesArguments(node: AnyNode, isOuter = true): boolean {
  if (node.type === 'Identifier') return node.name === 'arguments'
  if (!isOuter && (node.type === 'FunctionDeclaration' || node.type === 'FunctionExpression')) return false
  return childrenOf(node).some((child) => usesArguments(child as AnyNode, false))
}
