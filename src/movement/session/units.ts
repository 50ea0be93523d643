import vm from 'node:vm'
import { mainLoader, silenceImportWarning } from '../dynamic-import.ts'
import { EvaluateSyntaxError } from './evaluate-syntax-error.ts'
import { lineOf, type ParsedSource, placeAt, readComplaint, tooDeep } from './parse.ts'

const { Script } = vm

/** A text to compile that stands in for a part of a source, such that positions in stacks are those of the source. */
export interface Unit {
  /** What stands on the first line before the part. */
  readonly head: string
  readonly body: string
  readonly tail: string
  /** Where `body` begins in the source. */
  readonly start: number
  /** The script gives a function that is to be called. */
  readonly isFunction: boolean
  /** The result is a promise of ours. */
  readonly isAsync: boolean
  /** The result may be that of the evaluation. */
  readonly givesValue: boolean
}

export interface CompiledUnit {
  readonly isAsync: boolean
  readonly givesValue: boolean
  readonly run: (scope: object) => unknown
}

/** @throws {EvaluateSyntaxError} if V8 sees an error that our parser did not see */
export function compileUnit(unit: Unit, source: ParsedSource): CompiledUnit {
  const { isAsync, isFunction, givesValue, start, head, body, tail } = unit
  const { text, shift, filename } = source
  const { line, column } = placeAt(text, start)
  const columnOffset = column - 1 - head.length - (line === 1 ? shift : 0)
  if (body.includes('import')) silenceImportWarning()
  try {
    const script = new Script(head + body + tail, {
      filename,
      lineOffset: line - 1,
      columnOffset,
      importModuleDynamically: mainLoader,
    })
    return { isAsync, givesValue, run: (scope) => runScript(script, isFunction, scope) }
  } catch (error) {
    if (error instanceof RangeError) throw tooDeep(text, filename)
    const complaint = readComplaint(error, filename)
    if (complaint === undefined) throw error
    const isFirst = complaint.line === line
    const found = Math.max(1, (complaint.column ?? 1) + (isFirst ? columnOffset : 0))
    const shown = lineOf(text, complaint.line).slice(complaint.line === 1 ? shift : 0)
    const place = { filename, line: complaint.line, column: found }
    throw new EvaluateSyntaxError(complaint.message, place, shown)
  }
}

function runScript(script: vm.Script, isFunction: boolean, scope: object): unknown {
  // Node.js would write the source line into the stack of what is thrown.
  const result: unknown = script.runInThisContext({ displayErrors: false })
  return isFunction ? (result as (given: object) => unknown)(scope) : result
}
