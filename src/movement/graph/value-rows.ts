import { types } from 'node:util'
import { inherits, peek, peekProperty } from '../../transport/codec/peek.ts'
import { mapValueStep, propertyStep } from '../../transport/codec/path.ts'
import { type AnyFunction, isNativeText, nameOf } from '../function-source.ts'
import { internalsOf } from '../live/inspector.ts'
import type { LiveCode } from '../live/live-code.ts'
import {
  builtinSubclassRefusal,
  captureRefusal,
  deletionRefusal,
  prototypeRefusal,
} from './capture-refusals.ts'
import { isLeaf } from './data-walk.ts'
import { changedParents, deletedMember, isAddedTo, prototypeOf } from './function-properties.ts'
import { extraKeys, integrityOf, isOrdinary, specialElements } from './own-properties.ts'
import { intrinsicPath } from './intrinsics.ts'
import { integrity, propertyFlag, rowKind } from './rows.ts'
import { isOfSharedBuffer } from './shared-buffers.ts'

/** A primitive, or where in the rows something is. */
export type Slot = unknown

/** What is written to: rows, and who finds a place for what one of them refers to. */
export interface Rows {
  readonly rows: unknown[][]
  slot(value: unknown, path: string): Slot
  /** What a slot stands for has to be there before what is written can be made. */
  needsAtOnce(slot: Slot): void
  /** @throws {CaptureError} if it has private fields */
  checkInstance(object: object, constructor: AnyFunction, path: string): void
}

/** What it holds is not in its properties. */
const hasHiddenContent = (value: object): boolean =>
  Array.isArray(value) ||
  types.isMap(value) ||
  types.isSet(value) ||
  types.isDate(value) ||
  types.isRegExp(value) ||
  types.isAnyArrayBuffer(value) ||
  ArrayBuffer.isView(value) ||
  types.isBoxedPrimitive(value) ||
  inherits(value, URL.prototype)

type IsMeant = (key: string | symbol, property: PropertyDescriptor) => boolean

/** An error with nothing but its message and its stack. */
function bareError(error: Error): Error {
  const message = peek(error, 'message')
  const bare = typeof message === 'string' ? new Error(message) : new Error()
  Object.defineProperty(bare, 'stack', { value: stackOf(error) ?? 'Error' })
  return bare
}

/** Undefined if the stack can't be had without a getter: whoever makes it asks for name and message. */
function stackOf(error: Error): string | undefined {
  const isQuiet = ['name', 'message'].every((key) => peekProperty(error, key)?.get === undefined)
  if (!isQuiet) return undefined
  const property = Object.getOwnPropertyDescriptor(error, 'stack')
  // In later versions of V8 it is a getter of its own.
  const { get, value } = property ?? {}
  const stack: unknown = get !== undefined && isNativeText(get) ? error.stack : value
  return typeof stack === 'string' ? stack : undefined
}

/** A value of a kind of the language's, with what somebody has added to it. */
export function writeKnown(
  parcel: Rows,
  row: unknown[],
  value: object,
  prototype: object | null,
  path: string,
): void {
  if (types.isNativeError(value)) {
    writeObject(parcel, row, value, prototype, path)
    return
  }
  const level = integrityOf(value)
  const special = new Set<string | symbol>(Array.isArray(value) ? specialElements(value, level) : [])
  const extra = new Set([...extraKeys(value), ...special])
  if (extra.size === 0 && level === integrity.open) writeBare(parcel, row, value, path, special)
  else {
    const base: unknown[] = []
    const others: unknown[] = []
    row.push(rowKind.with, [parcel.rows.push(base) - 1], others)
    writeBare(parcel, base, value, path, special)
    writeProperties(parcel, row, others, value, path, (key) => extra.has(key))
  }
}

function writeBare(
  parcel: Rows,
  row: unknown[],
  value: object,
  path: string,
  left: ReadonlySet<string | symbol>,
): void {
  if (Array.isArray(value)) {
    row.push(rowKind.array)
    if (left.has('length')) return
    for (let i = 0; i < value.length; i++) {
      const isHole = !Object.hasOwn(value, i) || left.has(String(i))
      row.push(isHole ? [] : parcel.slot(value[i], `${path}[${i}]`))
    }
  } else if (types.isMap(value)) {
    row.push(rowKind.map)
    let index = 0
    Map.prototype.forEach.call(value, (item: unknown, key: unknown) => {
      row.push(parcel.slot(key, `${path}.keys()[${index}]`))
      row.push(parcel.slot(item, path + mapValueStep(key, index++)))
    })
  } else if (types.isSet(value)) {
    row.push(rowKind.set)
    let index = 0
    Set.prototype.forEach.call(value, (item: unknown) => {
      row.push(parcel.slot(item, `${path}.values()[${index++}]`))
    })
  } else if (ArrayBuffer.isView(value) && isOfSharedBuffer(value)) writeView(parcel, row, value, path)
  else row.push(rowKind.data, value)
}

function writeView(parcel: Rows, row: unknown[], view: ArrayBufferView, path: string): void {
  const slot = parcel.slot(view.buffer, `${path}.buffer`)
  parcel.needsAtOnce(slot)
  const [name] = intrinsicPath(Object.getPrototypeOf(view) as object)!
  const { byteOffset, byteLength } = view
  row.push(rowKind.view, slot, name, byteOffset, (view as { length?: number }).length ?? byteLength)
}

/** An object, instance or error, with its class and its own properties. */
export function writeObject(
  parcel: Rows,
  row: unknown[],
  value: object,
  prototype: object | null,
  path: string,
): void {
  const others: unknown[] = []
  if (prototype === Object.prototype || prototype === null) {
    row.push(rowKind.object, prototype === null ? null : true, others)
    writeProperties(parcel, row, others, value, path, () => true)
    return
  }
  const refusal = captureRefusal(value, path)
  if (refusal !== undefined) throw refusal
  if (hasHiddenContent(value)) throw builtinSubclassRefusal(value, path)
  if (!types.isNativeError(value)) {
    row.push(rowKind.object, constructorOf(parcel, value, prototype, path), others)
    writeProperties(parcel, row, others, value, path, () => true)
    return
  }
  const constructor = isLeaf(value)
    ? parcel.slot(prototype.constructor, path)
    : constructorOf(parcel, value, prototype, path)
  row.push(rowKind.error, bareError(value), constructor, others)
  const isMessage = typeof peek(value, 'message') === 'string'
  writeProperties(parcel, row, others, value, path, (key) => !(isMessage && key === 'message'))
}

/** Writes own properties, ordinary ones as keys and slots into `row`, others into `others`; and how closed it is. */
function writeProperties(
  parcel: Rows,
  row: unknown[],
  others: unknown[],
  value: object,
  path: string,
  isMeant: IsMeant,
): void {
  const level = integrityOf(value)
  const isError = types.isNativeError(value)
  // Behind a special one the others are as well, so that they keep their order.
  let isSpecial = false
  for (const key of Reflect.ownKeys(value)) {
    if (isError && key === 'stack') continue
    const property = Object.getOwnPropertyDescriptor(value, key)
    if (property === undefined || !isMeant(key, property)) continue
    const step = typeof key === 'string' ? propertyStep(key) : `[${String(key)}]`
    if (!isSpecial && typeof key === 'string' && isOrdinary(property, level)) {
      row.push(key, parcel.slot(property.value, path + step))
    } else {
      isSpecial ||= typeof key === 'string'
      others.push(specialProperty(parcel, key, property, path, step))
    }
  }
  if (level !== integrity.open) others.push([level])
}

function specialProperty(
  parcel: Rows,
  key: string | symbol,
  property: PropertyDescriptor,
  path: string,
  step: string,
): unknown[] {
  const { enumerable, configurable, writable, get, set } = property
  const flags =
    (enumerable === true ? propertyFlag.enumerable : 0) |
    (configurable === true ? propertyFlag.configurable : 0) |
    (writable === true ? propertyFlag.writable : 0)
  const keySlot = parcel.slot(key, path + step)
  if (get === undefined && set === undefined) {
    return [keySlot, flags, parcel.slot(property.value, path + step)]
  }
  const accessors = [
    parcel.slot(get, `${path} get ${String(key)}`),
    parcel.slot(set, `${path} set ${String(key)}`),
  ]
  return [keySlot, flags | propertyFlag.accessor, ...accessors]
}

/** Writes what a function, and its prototype, have got besides what its text makes. Answers whether that is anything. */
export function writeAdditions(
  parcel: Rows,
  row: unknown[],
  others: unknown[],
  fn: AnyFunction,
  code: LiveCode,
  path: string,
): boolean {
  const { isClass, read } = code
  const deleted = isClass ? deletedMember(fn, read) : undefined
  if (deleted !== undefined) throw deletionRefusal(path + deleted)
  const before = row.length
  writeProperties(parcel, row, others, fn, path, isAddedTo(read, true))
  const { ofFunction, ofPrototype } = changedParents(fn, isClass)
  const parent = (changed: object | null | undefined, name: string): Slot =>
    changed === undefined ? true : parcel.slot(changed, `${path} → ${name}`)
  const inherited = [parent(ofPrototype, 'prototype of its prototype'), parent(ofFunction, 'its prototype')]
  const prototype = prototypeOf(fn)
  const ofOwn: unknown[] = []
  const own: unknown[] = []
  if (prototype !== undefined) {
    const isAdded = isAddedTo(read, false)
    const isMeant: IsMeant = (key, property) => key !== 'constructor' && isAdded(key, property)
    writeProperties(parcel, own, ofOwn, prototype, `${path}.prototype`, isMeant)
  }
  if (own.length + ofOwn.length > 0 || inherited.some((slot) => slot !== true)) {
    others.push([null, ...inherited, ofOwn, ...own])
  }
  return row.length > before || others.length > 0
}

/** Writes what a bound function binds. Answers whether it is one. */
export function writeBound(parcel: Rows, row: unknown[], fn: AnyFunction, path: string): boolean {
  const bound = internalsOf(fn)?.bound
  if (bound === undefined) return false
  row.push(rowKind.bound, parcel.slot(bound.target, `${path} → ${nameOf(bound.target) || 'target'}`))
  row.push(parcel.slot(bound.self, `${path} → this`))
  bound.args.forEach((arg, index) => row.push(parcel.slot(arg, `${path} → argument ${index + 1}`)))
  return true
}

function constructorOf(parcel: Rows, value: object, prototype: object, path: string): Slot {
  const constructor: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value
  if (typeof constructor !== 'function') throw prototypeRefusal(path)
  const own: unknown = Object.getOwnPropertyDescriptor(constructor, 'prototype')?.value
  if (own !== prototype) throw prototypeRefusal(path)
  parcel.checkInstance(value, constructor as AnyFunction, path)
  return parcel.slot(constructor, `${path} → ${nameOf(constructor as AnyFunction) || 'constructor'}`)
}
