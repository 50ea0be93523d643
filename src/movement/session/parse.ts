import { parse as parseWithAcorn, type Options, type Program } from 'acorn'
import vm from 'node:vm'
import { EvaluateSyntaxError } from './evaluate-syntax-error.ts'

const { Script } = vm

/** A source as a syntax tree. */
export interface ParsedSource {
  /** What was parsed: the source, or the source in parentheses. */
  readonly text: string
  /** Characters that `text` has before the first line of the source. */
  readonly shift: number
  readonly program: Program
  readonly filename: string
}

const options: Options = {
  ecmaVersion: 'latest',
  sourceType: 'script',
  allowImportExportEverywhere: true,
}

/**
 * Parses `source`: sloppy code that may use `await` and import and export at its top level. `{ a: 1 }` is an object,
 * unless a semicolon says that it is a block.
 * @throws {EvaluateSyntaxError} if it is not JavaScript
 */
export function parseSource(source: string, filename: string): ParsedSource {
  const text = source.startsWith('#!') ? `//${source.slice(2)}` : source
  try {
    const object = parseAsObject(text)
    if (object !== undefined) return { text: `(${text}\n)`, shift: 1, program: object, filename }
    return { text, shift: 0, program: parseProgram(text), filename }
  } catch (error) {
    throw syntaxErrorOf(error, text, filename)
  }
}

function parseAsObject(text: string): Program | undefined {
  if (!/^(?:\s|\/\/.*|\/\*[^]*?\*\/)*\{/.test(text) || /;\s*$/.test(text)) return undefined
  try {
    const program = parseProgram(`(${text}\n)`)
    return program.body.length === 1 ? program : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** `await` is a name in old scripts: it is one if the source makes sense in no other way. */
function parseProgram(text: string): Program {
  if (!text.includes('await')) return parseWithAcorn(text, options)
  try {
    return parseWithAcorn(text, { ...options, allowAwaitOutsideFunction: true })
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    try {
      return parseWithAcorn(text, options)
    } catch (other) {
      throw offsetOf(other) > offsetOf(error) ? other : error
    }
  }
}

const offsetOf = (error: unknown): number => (error as { pos?: number }).pos ?? 0

/** What is thrown for an error of the parser, or for one of ours if the stack ran out. */
export function syntaxErrorOf(error: unknown, text: string, filename: string): unknown {
  if (error instanceof RangeError) return tooDeep(text, filename)
  if (!(error instanceof SyntaxError) || error instanceof EvaluateSyntaxError) return error
  const { line, column } = placeAt(text, offsetOf(error))
  const better = complaintOfV8(text)
  const isSame = better !== undefined && better.line === line
  const what = isSame ? better.message : error.message.replace(/ \(\d+:\d+\)$/, '')
  const place = { filename, line, column: isSame ? (better.column ?? column) : column }
  return new EvaluateSyntaxError(what, place, lineOf(text, line))
}

export function tooDeep(text: string, filename: string): EvaluateSyntaxError {
  const what = 'The source is too deeply nested to be compiled'
  return new EvaluateSyntaxError(what, { filename, line: 1, column: 1 }, lineOf(text, 1))
}

/** Line and column, both from 1. */
export function placeAt(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split(lineEnds)
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 }
}

export const lineOf = (text: string, line: number): string => text.split(lineEnds)[line - 1] ?? ''

const lineEnds = /\r\n|[\n\r\u2028\u2029]/

/** What V8 said of a source that it can't compile. `column` is unknown if V8 showed no caret. */
export interface Complaint {
  readonly message: string
  readonly line: number
  readonly column: number | undefined
}

// Said of what is allowed here and not in a script.
const scriptOnly = /^(Cannot use import|Unexpected token 'export'|await is only valid)/

function complaintOfV8(text: string): Complaint | undefined {
  const head = text.includes('await') ? '(async()=>{' : ''
  try {
    void new Script(head === '' ? text : `${head}${text}\n})`, { filename: complaintFile })
  } catch (error) {
    const complaint = readComplaint(error, complaintFile)
    if (complaint === undefined || scriptOnly.test(complaint.message)) return undefined
    const { line, column } = complaint
    return line > 1 || column === undefined ? complaint : { ...complaint, column: column - head.length }
  }
  return undefined
}

const complaintFile = 'maltster-syntax'

/** Reads the place from the head of a stack: `file:line`, the line, a caret. `column` is that in the text given. */
export function readComplaint(error: unknown, filename: string): Complaint | undefined {
  if (!(error instanceof SyntaxError) || typeof error.stack !== 'string') return undefined
  if (!error.stack.startsWith(`${filename}:`)) return undefined
  const [place = '', , carets = ''] = error.stack.slice(filename.length + 1).split('\n')
  const line = Number(place)
  if (!Number.isInteger(line)) return undefined
  const caret = carets.indexOf('^')
  return { message: error.message, line, column: caret < 0 ? undefined : caret + 1 }
}
