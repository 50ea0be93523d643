import { types } from 'node:util'
import { CaptureError } from '../errors/data-errors.ts'
import { analyseFunction, type FunctionAnalysis } from './free-names.ts'
import { RecentMap } from './recent-map.ts'
import { refuseSurroundings } from './refusals.ts'

export type AnyFunction = (...args: never[]) => unknown

/** A live function or class as text that can be evaluated anywhere, and what that text refers to. */
export interface FunctionSource {
  /** The same for the same text and name, while it is remembered; never used twice. */
  readonly id: number
  readonly name: string
  /** As the function itself gives it. */
  readonly text: string
  /** An expression, to be put in parentheses. */
  readonly source: string
  readonly isStrict: boolean
  readonly analysis: FunctionAnalysis
}

const textOf = (fn: AnyFunction): string => Function.prototype.toString.call(fn)
const nativeCode = /^(?:async\s+)?function\b[^{]*\{\s*\[native code\]\s*\}$/
const rememberedTexts = 1000

/** Whether a function has no text of its own: it is native, or bound. */
export const isNativeText = (fn: AnyFunction): boolean => !byFunction.has(fn) && nativeCode.test(textOf(fn))

const byText = new RecentMap<string, FunctionSource>(rememberedTexts)
/** To ask for a text, and to look it up, takes longer than all else that is done for the same function again. */
const byFunction = new WeakMap<AnyFunction, FunctionSource>()
let lastId = 0

/** The name of a function, if it is a plain string; running a getter for it is not worth it. */
export function nameOf(fn: AnyFunction): string {
  const name: unknown = Object.getOwnPropertyDescriptor(fn, 'name')?.value
  return typeof name === 'string' ? name : ''
}

/**
 * Reads a live function or class: its text, made an expression, and what it needs from outside.
 *
 * Strictness: text alone does not tell. A sloppy ordinary function shows itself by its `caller`; arrows, methods,
 * async functions and generators don't, and are taken as strict, as in every ES module, unless their text is only
 * valid as sloppy code.
 *
 * Properties set on the function, and changes to a prototype made after its class, are not part of the text.
 * @param path - how the function was reached, for errors
 * @throws {CaptureError} if it is native, bound or a proxy, can't be parsed, or uses its surroundings in a way
 *   that can't be supplied elsewhere
 */
export function readFunction(fn: AnyFunction, path: string): FunctionSource {
  const known = byFunction.get(fn)
  // The text of a function never changes; its name may.
  if (known !== undefined && known.name === nameOf(fn)) return known
  if (types.isProxy(fn)) {
    const hint = 'Pass the function it stands for, or a function that calls it there'
    throw new CaptureError({ path, why: 'it is a Proxy, whose handler is not part of any text', hint })
  }
  const text = textOf(fn)
  if (nativeCode.test(text)) throw nativeRefusal(nameOf(fn), path)
  const read = readText(text, nameOf(fn), text.startsWith('function') && isSloppy(fn), path)
  byFunction.set(fn, read)
  return read
}

const inheritedCaller = Object.getOwnPropertyDescriptor(Function.prototype, 'caller')

/** Whether an ordinary function may be asked for its caller: an own property, since Node.js 26 an inherited getter. */
function isSloppy(fn: AnyFunction): boolean {
  if (Object.hasOwn(fn, 'caller')) return true
  try {
    return inheritedCaller?.get?.call(fn) !== undefined
  } catch {
    return false
  }
}

/** Reads a function of which there is only the text. */
export function readText(text: string, name: string, isKnownSloppy: boolean, path: string): FunctionSource {
  const key = `${isKnownSloppy ? 'sloppy' : 'strict'} ${name.length} ${name}${text}`
  const known = byText.get(key)
  if (known !== undefined) return known
  const analysis = analyse(text, isKnownSloppy, path)
  refuseSurroundings(analysis, path)
  const source = expression(text, name, analysis)
  const read: FunctionSource = { id: ++lastId, name, text, source, isStrict: analysis.isStrict, analysis }
  byText.set(key, read)
  return read
}

function analyse(text: string, isKnownSloppy: boolean, path: string): FunctionAnalysis {
  try {
    return analyseFunction(text, isKnownSloppy ? false : undefined)
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    const hint = 'Name it by `{ module, export }`, so that the worker loads it itself'
    throw new CaptureError({ path, why: `its text can't be read: ${cause.message}`, hint, cause })
  }
}

/** Members of objects and classes get an object of their own; accessors become the methods that they are. */
export function expression(
  text: string,
  name: string,
  { memberTail, isAsync, isGenerator }: FunctionAnalysis,
): string {
  if (memberTail === undefined) return text
  const key = JSON.stringify(name)
  const head = `${isAsync ? 'async ' : ''}${isGenerator ? '*' : ''}`
  return `({${head}[${key}]${text.slice(memberTail)}})[${key}]`
}

function nativeRefusal(name: string, path: string): CaptureError {
  if (name.startsWith('bound ')) {
    return new CaptureError({
      path,
      why: 'it is a bound function, whose target and arguments are hidden',
      hint: 'Pass the function it was made from, and the bound values as arguments',
    })
  }
  const label = name === '' ? 'it' : `\`${name}\``
  return new CaptureError({
    path,
    why: `${label} is native code, which has no text to send`,
    hint:
      name === ''
        ? 'Call it here, with what the function returns'
        : `Wrap it, so that it is found over there: \`(...args) => ${name}(...args)\``,
  })
}
