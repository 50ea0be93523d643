import type { Captures } from '../collect.ts'
import { type AnyFunction, type FunctionSource, readFunction } from '../function-source.ts'
import { isKnownGlobal } from '../known-globals.ts'
import { type Internals, internalsOf, type LiveScope } from './inspector.ts'
import { baseName } from './base-name.ts'
import type { Variable } from './module-facts.ts'
import { liveCode, type LiveCode, type LiveName, scopeOf } from './live-code.ts'

/** A live function as it is now: its code, and the variables around it. */
export interface Reading {
  readonly code: LiveCode
  readonly scopes: readonly LiveScope[]
  /** None of its names ever gets another value. */
  readonly isStable: boolean
}

/** Functions whose variables need not be read again. */
const stableReadings = new WeakMap<AnyFunction, Reading>()

/** The codes of functions, without anything that was given. */
const codes = new WeakMap<AnyFunction, LiveCode>()

/**
 * Reads a function.
 * @param given - what wins over what is found
 * @returns undefined where there is no inspector
 * @throws {CaptureError} if its text can't be sent
 */
export function readLive(fn: AnyFunction, path: string, given: Captures): Reading | undefined {
  const known = stableReadings.get(fn)
  const read = known?.code.read ?? readFunction(fn, path)
  const isGiven = read.analysis.freeNames.some(({ name }) => Object.hasOwn(given, name))
  if (known !== undefined && !isGiven) return known
  const internals = internalsOf(fn)
  if (internals === undefined) return undefined
  const code = codeOf(fn, read, internals, isGiven ? given : undefined)
  const scopes = withHeritage(internals.scopes, read, fn, code)
  const isStable = code.names.every((name) => isStableName(name, scopes))
  const reading = { code, scopes, isStable }
  if (isStable && !isGiven) stableReadings.set(fn, reading)
  return reading
}

function codeOf(
  fn: AnyFunction,
  read: FunctionSource,
  internals: Internals,
  given: Captures | undefined,
): LiveCode {
  const known = codes.get(fn)
  if (given === undefined && known?.read === read) return known
  const code = liveCode(read, { ...internals, scopes: withHeritage(internals.scopes, read, fn) }, given)
  if (given === undefined) codes.set(fn, code)
  return code
}

/**
 * V8 keeps only variables that some function refers to, and the name that a class extends is evaluated outside of any: so
 * it may be missing, or be that of another variable further out. What the class extends is known, though.
 */
function withHeritage(
  scopes: readonly LiveScope[],
  { analysis }: FunctionSource,
  fn: AnyFunction,
  code?: LiveCode,
): readonly LiveScope[] {
  const hasExpression = analysis.heritageSpan !== undefined && isBase(Object.getPrototypeOf(fn))
  const heritage = hasExpression ? baseName : analysis.heritage
  if (heritage === undefined || isKnownGlobal(heritage)) return scopes
  const base = { kind: 'Heritage', values: { [heritage]: Object.getPrototypeOf(fn) as unknown } }
  // If it has been assigned to since, a function of the class may refer to what it is now.
  const isReassigned = code?.names.some(({ name, isShared }) => name === heritage && isShared)
  return isReassigned === true ? [...scopes, base] : [base, ...scopes]
}

/** Not so for a base that turned out to be null. */
const isBase = (parent: unknown): boolean => typeof parent === 'function' && parent !== Function.prototype

/** The value of a name, as it is in the scopes that were read. */
export const valueOf = (name: string, scopes: readonly LiveScope[]): unknown =>
  valueIn(scopeOf(name, scopes)?.values, name)

function isStableName(
  { name, from, variable, home, isShared }: LiveName,
  scopes: readonly LiveScope[],
): boolean {
  if (from === 'import' || name === baseName) return true
  if (isShared || variable?.isNeverReassigned !== true) return false
  const value = valueOf(name, scopes)
  // Undefined may mean: not yet. And a variable of another module may change, unless that is known.
  const isConstant = variable.kind !== 'import' || (home !== undefined && !mayChange(home.variable))
  return value !== undefined && value !== noValueYet && isConstant
}

const mayChange = ({ isNeverReassigned, isInReach }: Variable): boolean => !isNeverReassigned || isInReach

/** What stands for the value of a variable that has none yet. */
export const noValueYet = Symbol('no value yet')

/** The value of a variable of a scope. One without a value reads as undefined in Node.js 20, and throws in later ones. */
export function valueIn(values: Readonly<Record<string, unknown>> | undefined, name: string): unknown {
  try {
    return values?.[name]
  } catch {
    return noValueYet
  }
}
