/** Whether a value that was told by a worker looks as it should. */
export type Check = (value: unknown) => boolean

/** How each field has to look. */
export type Shape<T> = Readonly<Record<keyof T, Check>>

/** Longer places than this are not believed, nor are longer words. */
const maxTextLength = 4096

export const isText: Check = (value) => typeof value === 'string' && value.length <= maxTextLength
export const isNumber: Check = (value) => typeof value === 'number'
export const isWhatever: Check = () => true
export const isError: Check = (value) => value instanceof Error

export const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value)

export function isOneOf(words: readonly string[]): Check {
  const known: ReadonlySet<unknown> = new Set(words)
  return (value) => known.has(value)
}

/** Whether an object has all that it should have, each as it should be. */
export function isObject<T>(value: unknown, shape: Shape<T>): value is T {
  if (typeof value !== 'object' || value === null) return false
  for (const [key, check] of Object.entries<Check>(shape)) {
    if (!check(Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined)) return false
  }
  return true
}
