import { type AnyNode, type Class, type Function as FunctionNode, parse } from 'acorn'

/** The text of a function can stand for itself, or only as the member of an object or class. */
export type SourceForm = 'expression' | 'method' | 'getter' | 'setter'

/** A function or class as a syntax tree. Offsets in it are `shift` more than in the source. */
export interface ParsedFunction {
  readonly node: FunctionNode | Class
  readonly form: SourceForm
  readonly shift: number
}

interface Wrapper {
  readonly before: string
  readonly after: string
}

// Inside a function, so that `new.target` of an arrow is not taken for a syntax error.
const wrappers: readonly Wrapper[] = [
  { before: 'return(', after: '\n)})' },
  { before: 'return({', after: '\n})})' },
  { before: 'return(class{', after: '\n})})' },
]

/**
 * Parses the text of one function or class, in any of the forms that `Function.prototype.toString` gives.
 * @throws {SyntaxError} if it is none of them; the message has line and column of `source`
 */
export function parseFunction(source: string, isStrict: boolean): ParsedFunction {
  const start = isStrict ? '(function(){"use strict";' : '(function(){'
  let furthest: unknown
  for (const { before, after } of wrappers) {
    const shift = start.length + before.length
    try {
      const node = parseWrapped(start + before + source + after)
      const found = node && functionOf(node, shift + source.trimEnd().length)
      if (found) return { ...found, shift }
      furthest = undefined
      break
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      const at = (error as { pos?: number }).pos ?? 0
      const pos = Math.max(0, Math.min(at - shift, source.length))
      if (furthest === undefined || pos > positionOf(furthest)) furthest = Object.assign(error, { pos })
    }
  }
  throw clearer(furthest, source)
}

function parseWrapped(text: string): AnyNode | undefined {
  const program = parse(text, {
    ecmaVersion: 'latest',
    sourceType: 'script',
    allowImportExportEverywhere: true,
    allowSuperOutsideMethod: true,
    checkPrivateFields: false,
  })
  const [statement] = program.body
  if (program.body.length !== 1 || statement?.type !== 'ExpressionStatement') return undefined
  const wrapper = statement.expression
  if (wrapper.type !== 'FunctionExpression') return undefined
  const returned = wrapper.body.body.at(-1)
  return returned?.type === 'ReturnStatement' ? (returned.argument as AnyNode | undefined) : undefined
}

function functionOf(node: AnyNode, end: number): Pick<ParsedFunction, 'node' | 'form'> | undefined {
  switch (node.type) {
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
      return node.end === end ? { node, form: 'expression' } : undefined
    case 'ClassExpression':
      if (node.end === end) return { node, form: 'expression' }
      return memberOf(node.body.body, end)
    case 'ObjectExpression':
      return memberOf(node.properties, end)
    default:
      return undefined
  }
}

function memberOf(
  members: readonly AnyNode[],
  end: number,
): Pick<ParsedFunction, 'node' | 'form'> | undefined {
  const [member] = members
  if (members.length !== 1 || member === undefined || member.end !== end) return undefined
  if (member.type !== 'Property' && member.type !== 'MethodDefinition') return undefined
  if (member.type === 'Property' && member.kind === 'init' && !('method' in member && member.method))
    return undefined
  const node = member.value as unknown as FunctionNode
  if (member.kind === 'get') return { node, form: 'getter' }
  return { node, form: member.kind === 'set' ? 'setter' : 'method' }
}

const positionOf = (error: unknown): number => (error as { pos?: number }).pos ?? 0

function clearer(error: unknown, source: string): SyntaxError {
  if (!(error instanceof Error)) return new SyntaxError('it is not the text of one function or class')
  const pos = positionOf(error)
  const message = error.message.replace(/ \(\d+:\d+\)$/, '')
  const isJsx = /^<[A-Za-z>/]/.test(source.slice(pos, pos + 2))
  const reason = isJsx ? 'it looks like JSX, which has to be compiled to JavaScript first' : message
  const { line, column } = placeOf(source, pos)
  return new SyntaxError(`${reason} (line ${line}, column ${column})`)
}

/** Line and column of an offset, both counted from 1, as in a stack. */
export function placeOf(source: string, offset: number): { line: number; column: number } {
  let line = 1
  let lineStart = 0
  for (const match of source.matchAll(/\r\n?|[\n\u2028\u2029]/g)) {
    if (match.index + match[0].length > offset) break
    line++
    lineStart = match.index + match[0].length
  }
  return { line, column: offset - lineStart + 1 }
}
