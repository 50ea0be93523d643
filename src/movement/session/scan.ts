import type { AnyNode, Node, VariableDeclaration } from 'acorn'

/** What a statement holds that belongs to the code around it, not to functions inside it. */
export interface StatementFacts {
  /** It waits: `await` or `for await`. */
  readonly isAsync: boolean
  /** Names of plain functions in blocks, which sloppy code sees outside as well. */
  readonly blockFunctions: readonly string[]
  /** Declarations with `var`, at any depth; in the head of `for (… in|of …)` or not. */
  readonly variables: readonly { readonly node: VariableDeclaration; readonly isLoopHead: boolean }[]
}

/** Looks through a statement, but not into functions. */
export function scanStatement(statement: Node): StatementFacts {
  let isAsync = false
  const variables: { node: VariableDeclaration; isLoopHead: boolean }[] = []
  const blockFunctions: string[] = []
  const visit = (given: Node, parent: AnyNode | undefined): void => {
    const node = given as AnyNode
    if (node.type === 'FunctionDeclaration' && node !== statement && !node.async && !node.generator) {
      if (node.id) blockFunctions.push(node.id.name)
    }
    if (isFunction(node)) return
    if (node.type === 'AwaitExpression' || (node.type === 'ForOfStatement' && node.await)) isAsync = true
    if (node.type === 'VariableDeclaration' && node.kind === 'var') {
      const isLoop = parent?.type === 'ForInStatement' || parent?.type === 'ForOfStatement'
      variables.push({ node, isLoopHead: isLoop && parent.left === node })
    }
    if (node.type === 'ClassBody') {
      for (const member of node.body) {
        if (member.type !== 'StaticBlock' && member.computed) visit(member.key, node)
      }
    } else {
      for (const child of childrenOf(node)) visit(child, node)
    }
  }
  visit(statement, undefined)
  return { isAsync, variables, blockFunctions }
}

const isFunction = (node: AnyNode): boolean =>
  node.type === 'FunctionDeclaration' ||
  node.type === 'FunctionExpression' ||
  node.type === 'ArrowFunctionExpression'

/** The nodes right below a node, in their order. */
export function childrenOf(node: Node): Node[] {
  return Object.values(node)
    .flat()
    .filter((value: unknown): value is Node => {
      return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string'
    })
}
