import { types } from 'node:util'
import { checkOptions, type OptionCheck } from './option-checks.ts'

const denied: OptionCheck = (value) =>
  Array.isArray(value) && value.every((one) => typeof one === 'string' || one instanceof RegExp)
    ? undefined
    : 'an array of names and regular expressions'

const bytes: OptionCheck = (value) =>
  typeof value === 'number' && value >= 0 ? undefined : 'a number of bytes, 0 or more'

/**
 * What may leave with a function.
 * @throws {TypeError | RangeError} for what is wrong inside it, by its name
 */
export const capturePolicy: OptionCheck = (value) => {
  if (value === 'auto' || value === 'explicit') return undefined
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return "'auto', 'explicit' or an object, `{ deny: ['name', /pattern/], maxBytes: 100_000 }`"
  }
  checkOptions('`capture`', value, { deny: denied, maxBytes: bytes })
  return undefined
}

/** A slip of the hand, and not an object of names: what it holds is not under names. */
const isOtherThanNames = (value: object): boolean =>
  Array.isArray(value) ||
  types.isMap(value) ||
  types.isSet(value) ||
  types.isPromise(value) ||
  types.isDate(value) ||
  types.isRegExp(value) ||
  ArrayBuffer.isView(value)

/** What a function shall find under some names. */
export const captures: OptionCheck = (value) => {
  const expected = 'an object of names and values, such as `{ name: value }`'
  if (typeof value !== 'object' || value === null || isOtherThanNames(value)) return expected
  const [symbol] = Object.getOwnPropertySymbols(value)
  return symbol === undefined ? undefined : `${expected}, without the symbol ${String(symbol)} as a name`
}
