import { isBeforeDeclaration } from '../live/before-declaration.ts'
import { initOf } from '../live/declarations.ts'
import type { LiveCode, LiveName } from '../live/live-code.ts'
import type { Variable } from '../live/module-facts.ts'

const madeThings = new Set([
  'ArrayExpression',
  'ArrowFunctionExpression',
  'BinaryExpression',
  'ClassExpression',
  'FunctionExpression',
  'Literal',
  'NewExpression',
  'ObjectExpression',
  'TemplateLiteral',
  'UpdateExpression',
])

/** Whether a variable that reads as undefined can only be one that has no value yet. */
function isNeverUndefined(variable: Variable): boolean {
  if (variable.kind === 'class') return true
  if (variable.kind !== 'const' && variable.kind !== 'let') return false
  if (variable.kind === 'let' && !variable.isNeverReassigned) return false
  if (variable.node.type !== 'VariableDeclarator' || variable.node.id.type !== 'Identifier') return false
  const init = initOf(variable)
  return init !== undefined && madeThings.has(init.type)
}

/** Whether a name that reads as undefined is that of a variable which has no value yet. */
export function isUnset({ module }: LiveCode, { variable, home }: LiveName): boolean {
  if (variable === undefined) return false
  const declared = home ?? { module, variable }
  return isNeverUndefined(declared.variable) || isBeforeDeclaration(declared.variable, declared.module)
}
