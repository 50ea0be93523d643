import { types } from 'node:util'
import type { LiveToken, LiveValues } from '../live-values.ts'
import { binaryTypeOf, bytesOf } from './binary-types.ts'
import { maxSpecialText, nodeKind, quietErrorKeys } from './node-kinds.ts'
import { mapValueStep, propertyStep } from './path.ts'
import { type Refusal, refusalOf } from './refusals.ts'
import type { ClassCodec, RegisteredClasses } from './registered-classes.ts'

/** A row of the node table that has been begun, and what still has to be put into it. */
export interface OpenRow {
  readonly row: unknown[]
  /** How many children follow, each as a slot; with `keys`, each after its key. */
  readonly count: number
  /** Reads child `i`. Called once for each, in order; may run a getter, and throw. */
  readonly read: (i: number) => unknown
  readonly keys?: readonly (string | number)[]
  /** Items that the row counts besides itself and its children: the holes of an array. */
  readonly holes?: number
  /** It is made of its child, which therefore must not hold it. */
  readonly isInstance?: true
  /** The step of a path that leads to child `i`. */
  readonly step: (i: number) => string
}

/** A row that is complete: what it holds refers to no other row. */
export interface LeafRow {
  readonly row: unknown[]
}

/** What a row needs from the table that it goes into. */
export interface RowContext {
  /** A text, or its bytes if it has no UTF-8 form; counted. */
  text(text: string): string | Buffer
  /** A slot for a value that is not an object. */
  primitive(value: unknown): unknown
  /** Inline bytes, or the number of an attachment; counted. */
  memory(bytes: Uint8Array): Buffer | number
  readonly classes: RegisteredClasses
}

/** Tells what kind of thing an object is, and begins its row. */
export function openObject(
  value: object,
  context: RowContext,
  live?: LiveValues,
): OpenRow | LeafRow | Refusal {
  if (types.isProxy(value)) return refusalOf(value)!
  const codec = context.classes.baseOf(value)
  if (codec !== undefined) return openInstance(value, codec)
  if (Array.isArray(value)) return openArray(value)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype) return openProperties(nodeKind.object, value)
  if (prototype === null) return openProperties(nodeKind.nullObject, value)
  if (types.isMap(value)) return openMap(value)
  if (types.isSet(value)) return openSet(value)
  if (types.isDate(value)) return { row: [nodeKind.date, Date.prototype.getTime.call(value)] }
  if (types.isNativeError(value) || value instanceof Error) return openError(value, context)
  if (types.isArrayBuffer(value) || ArrayBuffer.isView(value)) return openBinary(value, context)
  if (types.isRegExp(value)) return openRegExp(value, context)
  if (types.isBoxedPrimitive(value)) return openBoxed(value, context)
  if (value instanceof URL) return openUrl(value, context)
  const token = live?.lower(value)
  if (token !== undefined) return { row: liveRow(token) }
  return refusalOf(value) ?? openProperties(nodeKind.object, value)
}

function openInstance(value: object, { name, prototype, encode }: ClassCodec): OpenRow | Refusal {
  if (Object.getPrototypeOf(value) !== prototype) {
    return {
      what: `an instance of a class that extends \`${name}\`, which is registered, and is not registered itself`,
      remedy: 'Register it as well: `registerClass(Class, { encode, decode })`, here and there.',
    }
  }
  const read = (): unknown => {
    try {
      return encode(value)
    } catch (cause) {
      const why = cause instanceof Error ? `: ${cause.message}` : ''
      throw new Error(`\`encode\` of the class \`${name}\` threw${why}`, { cause })
    }
  }
  return { row: [nodeKind.instance, name], count: 1, read, step: () => '', isInstance: true }
}

export const liveRow = ({ kind, number, data }: LiveToken): unknown[] => [nodeKind.live, kind, number, data]

function openProperties(kind: number, value: object): OpenRow {
  const keys = Object.keys(value)
  return {
    row: [kind],
    count: keys.length,
    read: (i) => (value as Record<string, unknown>)[keys[i]!],
    keys,
    step: (i) => propertyStep(keys[i]!),
  }
}

function openArray(array: readonly unknown[]): OpenRow {
  const { length } = array
  for (let i = 0; i < length; i++) if (!(i in array)) return openSparseArray(array)
  return { row: [nodeKind.array], count: length, read: (i) => array[i], step: (i) => `[${i}]` }
}

function openSparseArray(array: readonly unknown[]): OpenRow {
  // Indexes come first and in order among the keys; other properties of an array are left out by rule.
  const indexes: number[] = []
  for (const key of Object.keys(array)) {
    const index = Number(key)
    if (index >>> 0 !== index || String(index) !== key || index >= array.length) break
    indexes.push(index)
  }
  return {
    row: [nodeKind.sparseArray, array.length],
    count: indexes.length,
    read: (i) => array[indexes[i]!],
    keys: indexes,
    holes: array.length - indexes.length,
    step: (i) => `[${indexes[i]}]`,
  }
}

function openMap(map: ReadonlyMap<unknown, unknown>): OpenRow {
  const flat: unknown[] = []
  Map.prototype.forEach.call(map, (value: unknown, key: unknown) => flat.push(key, value))
  return {
    row: [nodeKind.map],
    count: flat.length,
    read: (i) => flat[i],
    step: (i) => (i % 2 === 0 ? `.keys()[${i / 2}]` : mapValueStep(flat[i - 1], (i - 1) / 2)),
  }
}

function openSet(set: ReadonlySet<unknown>): OpenRow {
  const flat: unknown[] = []
  Set.prototype.forEach.call(set, (value: unknown) => flat.push(value))
  return { row: [nodeKind.set], count: flat.length, read: (i) => flat[i], step: (i) => `.values()[${i}]` }
}

function openError(error: Error, context: RowContext): OpenRow {
  const { name, message, stack } = error
  const textOf = (text: unknown): string | Buffer | undefined =>
    typeof text === 'string' ? context.text(text) : undefined
  const keys = Object.keys(error).filter((key) => !quietErrorKeys.has(key))
  for (const key of ['cause', 'errors']) if (Object.hasOwn(error, key)) keys.push(key)
  // Some put an object where the message belongs.
  if (typeof message !== 'string' && Object.hasOwn(error, 'message')) keys.push('message')
  return {
    // An error without a message of its own inherits the empty one.
    row: [nodeKind.error, textOf(name), textOf(message === '' ? undefined : message), textOf(stack)],
    count: keys.length,
    read: (i) => (error as unknown as Record<string, unknown>)[keys[i]!],
    keys,
    step: (i) => propertyStep(keys[i]!),
  }
}

function openBinary(value: ArrayBuffer | ArrayBufferView, context: RowContext): LeafRow | Refusal {
  if (ArrayBuffer.isView(value) && types.isSharedArrayBuffer(value.buffer)) {
    return {
      what: 'a view of a SharedArrayBuffer',
      remedy: 'Memory is not shared between processes: send a copy, such as view.slice() of a typed array.',
    }
  }
  const type = binaryTypeOf(value)
  if (type === undefined) {
    return { what: 'memory of a kind that is not known here', remedy: 'Send it as a Uint8Array.' }
  }
  return { row: [nodeKind.binary, type, context.memory(bytesOf(value))] }
}

function openRegExp(value: RegExp, context: RowContext): LeafRow | Refusal {
  if (value.source.length > maxSpecialText) return tooLong('a pattern', 'Send its source as text.')
  return { row: [nodeKind.regExp, context.text(value.source), value.flags] }
}

function openUrl(value: URL, context: RowContext): LeafRow | Refusal {
  if (value.href.length > maxSpecialText) return tooLong('a URL', 'Send its href as text.')
  return { row: [nodeKind.url, context.text(value.href)] }
}

function openBoxed(value: object, context: RowContext): LeafRow | Refusal {
  if (types.isNumberObject(value)) return boxed(Number.prototype.valueOf.call(value), context)
  if (types.isStringObject(value)) return boxed(String.prototype.valueOf.call(value), context)
  if (types.isBooleanObject(value)) return boxed(Boolean.prototype.valueOf.call(value), context)
  if (types.isBigIntObject(value)) return boxed(BigInt.prototype.valueOf.call(value), context)
  return { what: 'a symbol in an object', remedy: 'Send its description, a string.' }
}

const boxed = (value: unknown, context: RowContext): LeafRow => ({
  row: [nodeKind.boxed, context.primitive(value)],
})

const tooLong = (what: string, remedy: string): Refusal => ({
  what: `${what} of more than ${maxSpecialText} characters`,
  remedy,
})
