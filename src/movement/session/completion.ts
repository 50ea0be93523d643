import type { AnyNode, Node } from 'acorn'
import type { Edits } from './edits.ts'
import { hiddenNames } from './realm.ts'

const target = `${hiddenNames.value}=`

/**
 * Makes a statement store the value that a script would give for it. Columns stay if there is blank space before the
 * expression, as there is in an indented block; otherwise what follows on its line moves.
 */
export function captureValue(given: Node, text: string, edits: Edits): void {
  const node = given as AnyNode
  switch (node.type) {
    case 'ExpressionStatement': {
      const { expression } = node
      // Not in parentheses, where it begins later than its statement.
      const isBareSequence = expression.type === 'SequenceExpression' && expression.start === node.start
      storeAt((isBareSequence ? expression.expressions.at(-1) : undefined)?.start ?? node.start, text, edits)
      break
    }
    case 'BlockStatement':
      captureLast(node.body, text, edits)
      break
    case 'IfStatement':
      captureValue(node.consequent, text, edits)
      if (node.alternate) captureValue(node.alternate, text, edits)
      break
    case 'TryStatement':
      captureValue(node.block, text, edits)
      if (node.handler) captureValue(node.handler.body, text, edits)
      break
    case 'SwitchStatement':
      for (const { consequent } of node.cases) captureLast(consequent, text, edits)
      break
    case 'LabeledStatement':
    case 'ForStatement':
    case 'ForInStatement':
    case 'ForOfStatement':
    case 'WhileStatement':
    case 'DoWhileStatement':
    case 'WithStatement':
      captureValue(node.body, text, edits)
      break
    default:
  }
}

const valueless = new Set<string>([
  'EmptyStatement',
  'VariableDeclaration',
  'FunctionDeclaration',
  'ClassDeclaration',
  'BreakStatement',
  'ContinueStatement',
])

/** A block of nothing but declarations has no value, so that of the statement before it counts. */
export function hasValue(given: Node): boolean {
  const node = given as AnyNode
  if (node.type === 'BlockStatement') return node.body.some(hasValue)
  return !valueless.has(node.type)
}

function captureLast(body: readonly Node[], text: string, edits: Edits): void {
  const last = body.findLast(hasValue)
  if (last !== undefined) captureValue(last, text, edits)
}

function storeAt(at: number, text: string, edits: Edits): void {
  const room = at - target.length
  if (/^[ \t]+$/.test(text.slice(room, at))) edits.replace(room, at, target)
  else edits.insert(at, target)
}
