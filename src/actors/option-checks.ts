import { constants } from 'node:os'

/** How one option must be; answers what was expected, or undefined if the value is fine. */
export type OptionCheck = (value: unknown) => string | undefined

/** The largest delay that a timer can take: more fires at once. */
export const maxDelayMs = 2 ** 31 - 1

/** A value as it is shown in a message. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : asText(value)
  const kind = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
  return `\`${text.length > 80 ? `${text.slice(0, 80)}…` : text}\` (${kind})`
}

function asText(value: unknown): string {
  try {
    return Array.isArray(value) ? `[${String(value)}]` : String(value)
  } catch {
    // An object without a prototype, for instance.
    return Object.prototype.toString.call(value)
  }
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}

/** ` Did you mean \`cwd\`?`, or the list of what there is. */
export function suggestion(name: string, known: readonly string[]): string {
  const close = known
    .map((candidate) => ({ candidate, far: distance(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ far }) => far <= Math.max(2, Math.floor(name.length / 3)))
    .toSorted((a, b) => a.far - b.far)[0]
  return close === undefined
    ? ` There are: ${known.map((one) => `\`${one}\``).join(', ')}.`
    : ` Did you mean \`${close.candidate}\`?`
}

/**
 * Checks an options object as a whole: unknown names and wrong values are refused by name, before anything happens.
 * @throws {TypeError} for an unknown name or a value of the wrong type
 * @throws {RangeError} for a number out of range
 */
export function checkOptions(
  what: string,
  options: object,
  checks: Readonly<Record<string, OptionCheck>>,
): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`Expected the options of ${what} to be an object, got ${shown(options)}.`)
  }
  for (const [name, value] of Object.entries(options)) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined
    if (check === undefined) {
      throw new TypeError(`${what} has no option \`${name}\`.${suggestion(name, Object.keys(checks))}`)
    }
    if (value !== undefined) checkValue(what, name, value, check)
  }
}

/**
 * Checks one value that must be there.
 * @throws {TypeError | RangeError} as `checkOptions`
 */
export function checkValue(what: string, name: string, value: unknown, check: OptionCheck): void {
  const expected = check(value)
  if (expected === undefined) return
  const message = `Expected \`${name}\` of ${what} to be ${expected}, got ${shown(value)}.`
  const isOutOfRange = typeof value === 'number' && /number|integer/.test(expected)
  throw isOutOfRange ? new RangeError(message) : new TypeError(message)
}

const unless = (holds: boolean, expected: string): string | undefined => (holds ? undefined : expected)

/** A delay that a timer can take. */
export const delayMs: OptionCheck = (value) =>
  unless(
    typeof value === 'number' && value > 0 && value <= maxDelayMs,
    `a number of milliseconds over 0 and at most ${maxDelayMs}`,
  )

/** As `delayMs`, or 0, or Infinity for never. */
export const delayOrNeverMs: OptionCheck = (value) =>
  unless(
    typeof value === 'number' && ((value >= 0 && value <= maxDelayMs) || value === Infinity),
    `a number of milliseconds from 0 to ${maxDelayMs}, or Infinity`,
  )

export const count: OptionCheck = (value) =>
  unless(Number.isSafeInteger(value) && (value as number) >= 1, 'an integer of at least 1')

export const countOrInfinity: OptionCheck = (value) =>
  unless(
    value === Infinity || (Number.isSafeInteger(value) && (value as number) >= 1),
    'an integer of at least 1, or Infinity',
  )

export const boolean: OptionCheck = (value) => unless(typeof value === 'boolean', '`true` or `false`')

/** Text that can be handed to the system: a NUL byte would cut it short. */
export const text: OptionCheck = (value) =>
  unless(
    typeof value === 'string' && value !== '' && !value.includes('\0'),
    'a string that is neither empty nor has a NUL',
  )

export const texts: OptionCheck = (value) =>
  unless(
    Array.isArray(value) && value.every((one) => typeof one === 'string' && !one.includes('\0')),
    'an array of strings without NUL',
  )

export function oneOf(...words: readonly string[]): OptionCheck {
  return (value) => unless(words.includes(value as string), words.map((word) => `'${word}'`).join(' or '))
}

export function either(...checks: readonly OptionCheck[]): OptionCheck {
  return (value) => {
    const expected = checks.map((check) => check(value))
    return expected.includes(undefined) ? undefined : expected.join(', or ')
  }
}

export const aFunction: OptionCheck = (value) => unless(typeof value === 'function', 'a function')

export const anArray: OptionCheck = (value) => unless(Array.isArray(value), 'an array')

export const anObject: OptionCheck = (value) =>
  unless(typeof value === 'object' && value !== null && !Array.isArray(value), 'an object')

export const environment: OptionCheck = (value) =>
  unless(
    typeof value === 'object' &&
      value !== null &&
      Object.entries(value).every(
        ([name, one]) =>
          name !== '' &&
          !/[=\0]/.test(name) &&
          (one === undefined || (typeof one === 'string' && !one.includes('\0'))),
      ),
    'an object of strings without NUL, with `undefined` for names to take out',
  )

export const aLauncher: OptionCheck = (value) =>
  unless(
    typeof value === 'object' &&
      value !== null &&
      typeof (value as { launch?: unknown }).launch === 'function',
    'a launcher, such as `command([...])` of maltster/transport',
  )

/** A number that may be a fraction, over 0. */
export const amount: OptionCheck = (value) =>
  unless(typeof value === 'number' && value > 0 && value < Infinity, 'a number over 0')

/** @throws {TypeError} if it is not the name of a signal */
export function checkSignal(signal: unknown): void {
  if (Object.hasOwn(constants.signals, signal as string)) return
  throw new TypeError(
    `Expected \`signal\` to be the name of a signal, such as 'SIGTERM', got ${shown(signal)}.`,
  )
}
