import { types } from 'node:util'
import { propertyStep, mapValueStep } from '../../transport/codec/path.ts'
import { servedBy } from '../flow/live-object.ts'
import type { AnyFunction } from '../function-source.ts'
import {
  builtinSubclassRefusal,
  captureRefusal,
  prototypeRefusal,
  symbolRefusal,
} from './capture-refusals.ts'
import { isData, isLeaf } from './data-walk.ts'
import { builtinPlace, intrinsicPath } from './intrinsics.ts'
import { propertyFlag, rowKind } from './rows.ts'

/** A primitive, or where in the rows something is. */
export type Slot = unknown

/** What a parcel asks about functions: they are not only its own matter. */
export interface FunctionWriter {
  /** Fills the row of a function, or answers with the number of the binding that holds it. */
  writeFunction(parcel: Parcel, row: unknown[], fn: AnyFunction, path: string): void
  /** @throws {CaptureError} if it has private fields */
  checkInstance(object: object, constructor: AnyFunction, path: string): void
  /** Told that the parcel holds something that may change from call to call. */
  changeable(): void
}

/** Thrown to begin anew: something that was taken for data holds a function. */
const notOnlyData = new Error('not only data')

/** What it holds is not in its properties. */
const hasHiddenContent = (value: object): boolean =>
  Array.isArray(value) ||
  types.isMap(value) ||
  types.isSet(value) ||
  types.isDate(value) ||
  types.isRegExp(value) ||
  value instanceof URL

/** One value as rows; see `rows.ts`. */
export class Parcel {
  readonly rows: unknown[][] = []
  /** It is a call's own: what is in it is made anew each time. */
  readonly isFresh: boolean
  /** Bindings that it refers to. */
  readonly needs = new Set<number>()
  /** What is in it that stays where it is. */
  readonly live: object[] = []
  readonly #writer: FunctionWriter
  readonly #indexes = new Map<unknown, number>()
  readonly #isDataWhole: boolean

  private constructor(writer: FunctionWriter, isFresh: boolean, isDataWhole: boolean) {
    this.#writer = writer
    this.isFresh = isFresh
    this.#isDataWhole = isDataWhole
  }

  /**
   * Writes a value as row 0 and what it refers to.
   * @throws {CaptureError} for what can't go
   */
  static of(writer: FunctionWriter, value: unknown, path: string, isFresh: boolean): Parcel {
    for (const isDataWhole of [true, false]) {
      const parcel = new Parcel(writer, isFresh, isDataWhole)
      try {
        const slot = parcel.slot(value, path)
        if (parcel.rows.length === 0) parcel.rows.push([rowKind.data, slot])
        return parcel
      } catch (error) {
        if (error !== notOnlyData || !isDataWhole) throw error
      }
    }
    throw notOnlyData
  }

  /** Begins a row for something that is not an object of the user's, once. */
  row(key: unknown, make: () => unknown[]): Slot {
    const known = this.#indexes.get(key)
    if (known !== undefined) return [known]
    const row: unknown[] = []
    const index = this.rows.push(row) - 1
    this.#indexes.set(key, index)
    row.push(...make())
    return [index]
  }

  slot(value: unknown, path: string): Slot {
    if (typeof value === 'symbol') return this.#symbol(value, path)
    if (typeof value !== 'function' && (typeof value !== 'object' || value === null)) return value
    const known = this.#indexes.get(value)
    if (known !== undefined) return [known]
    const row: unknown[] = []
    const index = this.rows.push(row) - 1
    this.#indexes.set(value, index)
    this.#fill(row, value, path)
    return [index]
  }

  #symbol(symbol: symbol, path: string): Slot {
    const key = Symbol.keyFor(symbol)
    if (key !== undefined) return this.row(symbol, () => [rowKind.symbol, key, false])
    const { description = '' } = symbol
    const name = description.replace(/^Symbol\./, '')
    if ((Symbol as unknown as Record<string, unknown>)[name] !== symbol) throw symbolRefusal(symbol, path)
    return this.row(symbol, () => [rowKind.symbol, name, true])
  }

  #fill(row: unknown[], value: object, path: string): void {
    const intrinsic = intrinsicPath(value)
    if (intrinsic !== undefined) {
      row.push(rowKind.intrinsic, ...intrinsic)
    } else if (servedBy(value) !== undefined) {
      // It stays where it is; the codec knows what stands for it.
      this.live.push(value)
      this.#writer.changeable()
      row.push(rowKind.data, value)
    } else if (typeof value === 'function') {
      this.#writer.writeFunction(this, row, value as AnyFunction, path)
    } else if (types.isProxy(value)) {
      throw captureRefusal(value, path)!
    } else if (this.#isDataWhole && isData(value)) {
      this.#writer.changeable()
      row.push(rowKind.data, value)
    } else {
      const builtin = builtinPlace(value)
      if (builtin !== undefined) {
        row.push(rowKind.builtin, ...builtin)
        return
      }
      this.#writer.changeable()
      if (this.#isDataWhole) throw this.#refusalOrRestart(value, path)
      this.#fillParts(row, value, path)
    }
  }

  #refusalOrRestart(value: object, path: string): Error {
    return captureRefusal(value, path) ?? notOnlyData
  }

  #fillParts(row: unknown[], value: object, path: string): void {
    const prototype = Object.getPrototypeOf(value) as object | null
    if (Array.isArray(value) && prototype === Array.prototype) {
      row.push(rowKind.array)
      for (let i = 0; i < value.length; i++) {
        row.push(i in value ? this.slot(value[i], `${path}[${i}]`) : [])
      }
    } else if (types.isMap(value) && prototype === Map.prototype) {
      row.push(rowKind.map)
      let index = 0
      for (const [key, item] of value) {
        row.push(this.slot(key, `${path}.keys()[${index}]`))
        row.push(this.slot(item, path + mapValueStep(key, index++)))
      }
    } else if (types.isSet(value) && prototype === Set.prototype) {
      row.push(rowKind.set)
      let index = 0
      for (const item of value) row.push(this.slot(item, `${path}.values()[${index++}]`))
    } else if (isLeaf(value)) {
      row.push(rowKind.data, value)
    } else {
      this.#fillObject(row, value, prototype, path)
    }
  }

  #fillObject(row: unknown[], value: object, prototype: object | null, path: string): void {
    if (prototype === Object.prototype || prototype === null) {
      row.push(rowKind.object, prototype === null ? null : true)
    } else {
      const refusal = captureRefusal(value, path)
      if (refusal !== undefined) throw refusal
      if (hasHiddenContent(value)) throw builtinSubclassRefusal(value, path)
      const constructor = this.#constructorOf(value, prototype, path)
      if (types.isNativeError(value)) {
        const { name, message, stack } = value
        const error = Object.assign(new Error(message), { name })
        Object.defineProperty(error, 'stack', { value: stack })
        row.push(rowKind.error, error, constructor)
      } else row.push(rowKind.object, constructor)
    }
    const others: unknown[] = []
    row.push(others)
    this.properties(row, others, value, path, () => true)
  }

  /** Writes own properties: ordinary ones as keys and slots into `row`, others into `others`. */
  properties(
    row: unknown[],
    others: unknown[],
    value: object,
    path: string,
    isMeant: (key: string | symbol, property: PropertyDescriptor) => boolean,
  ): void {
    const isError = types.isNativeError(value)
    for (const key of Reflect.ownKeys(value)) {
      const property = Object.getOwnPropertyDescriptor(value, key)
      if (property === undefined || !isMeant(key, property)) continue
      if (isError && (key === 'stack' || key === 'message')) continue
      const step = typeof key === 'string' ? propertyStep(key) : `[${String(key)}]`
      const { enumerable, configurable, writable, get, set } = property
      const isOrdinary = enumerable === true && configurable === true && writable === true
      if (isOrdinary && typeof key === 'string') {
        row.push(key, this.slot(property.value, path + step))
        continue
      }
      const flags =
        (enumerable === true ? propertyFlag.enumerable : 0) |
        (configurable === true ? propertyFlag.configurable : 0) |
        (writable === true ? propertyFlag.writable : 0)
      const keySlot = this.slot(key, path + step)
      if (get === undefined && set === undefined) {
        others.push([keySlot, flags, this.slot(property.value, path + step)])
      } else {
        const accessors = [
          this.slot(get, `${path} get ${String(key)}`),
          this.slot(set, `${path} set ${String(key)}`),
        ]
        others.push([keySlot, flags | propertyFlag.accessor, ...accessors])
      }
    }
  }

  #constructorOf(value: object, prototype: object, path: string): Slot {
    const constructor: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value
    if (typeof constructor !== 'function') throw prototypeRefusal(path)
    const own: unknown = Object.getOwnPropertyDescriptor(constructor, 'prototype')?.value
    if (own !== prototype) throw prototypeRefusal(path)
    this.#writer.checkInstance(value, constructor as AnyFunction, path)
    return this.slot(constructor, `${path} → ${constructor.name || 'constructor'}`)
  }
}
