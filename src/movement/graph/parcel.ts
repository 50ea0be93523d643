import { types } from 'node:util'
import { processClasses } from '../../transport/codec/registered-classes.ts'
import { propertyStep, mapValueStep } from '../../transport/codec/path.ts'
import { inherits, peek, peekProperty } from '../../transport/codec/peek.ts'
import type { VariableHome } from '../live/variable-home.ts'
import { servedBy } from '../flow/live-object.ts'
import { type AnyFunction, isNativeText, nameOf } from '../function-source.ts'
import type { LiveCode } from '../live/live-code.ts'
import {
  builtinSubclassRefusal,
  captureRefusal,
  prototypeRefusal,
  symbolRefusal,
} from './capture-refusals.ts'
import { isCell } from './cell.ts'
import { isCollection, isData, isLeaf } from './data-walk.ts'
import { changedParents, functionOfPrototype, isAddedTo, prototypeOf } from './function-properties.ts'
import type { Nesting } from './nesting.ts'
import { heldObject } from './held-objects.ts'
import { builtinPlace, intrinsicPath } from './intrinsics.ts'
import { isLinkedNamespace } from './linked-namespace.ts'
import { isUsedMembers, type UsedMembers } from './namespace-members.ts'
import { extraKeys, integrityOf, isOrdinary, specialElements } from './own-properties.ts'
import { integrity, propertyFlag, rowKind } from './rows.ts'

/** A primitive, or where in the rows something is. */
export type Slot = unknown

/** What a parcel asks about functions: they are not only its own matter. */
export interface FunctionWriter {
  /** Fills the row of a function, or answers with the number of the binding that holds it. */
  writeFunction(parcel: Parcel, row: unknown[], fn: AnyFunction, path: string): void
  /** @throws {CaptureError} if it has private fields */
  checkInstance(object: object, constructor: AnyFunction, path: string): void
  /** Told of a function as often as something refers to it. */
  reached(fn: AnyFunction): void
  /** Sees to it that an object that is held by itself is there. */
  writeObject(id: number, object: object, path: string): void
  /** Answers with the number of the binding of a module's variable. */
  bindMember(home: VariableHome, value: unknown, path: string): number
  /** How deep the writing of parcels has got: what is too deep waits until it is over. */
  readonly nesting: Nesting
  /** Keeps what is to be known of the place where something is referred to. */
  inPlace(write: () => void): () => void
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

/** One value as rows; see `rows.ts`. */
export class Parcel {
  readonly rows: unknown[][] = []
  /** It is a call's own: what is in it is made anew each time. */
  readonly isFresh: boolean
  /** Bindings that it refers to. */
  readonly needs = new Set<number>()
  /** Those of them that something needs while it is made. */
  readonly eager = new Set<number>()
  /** What is in it that stays where it is. */
  readonly live: object[] = []
  /** Objects that are part of it, whether they have rows or are in data that is whole. */
  readonly objects = new Set<object>()
  /** What it is the parcel of. */
  readonly #root: unknown
  readonly #writer: FunctionWriter
  readonly #indexes = new Map<unknown, number>()
  /** What was too deep to be written at once. */
  readonly #waiting: (() => void)[] = []
  readonly #isDataWhole: boolean

  private constructor(writer: FunctionWriter, root: unknown, isFresh: boolean, isDataWhole: boolean) {
    this.#writer = writer
    this.#root = root
    this.isFresh = isFresh
    this.#isDataWhole = isDataWhole
  }

  /**
   * Writes a value as row 0 and what it refers to.
   * @throws {CaptureError} for what can't go
   */
  static of(writer: FunctionWriter, value: unknown, path: string, isFresh: boolean, isHeld = false): Parcel {
    const root = isHeld ? value : undefined
    for (const isDataWhole of [true, false]) {
      const parcel = new Parcel(writer, root, isFresh, isDataWhole)
      const { depth } = writer.nesting
      try {
        const slot = parcel.slot(value, path)
        for (let next = parcel.#waiting.pop(); next !== undefined; next = parcel.#waiting.pop()) next()
        if (parcel.rows.length === 0) parcel.rows.push([rowKind.data, slot])
        return parcel
      } catch (error) {
        if (error !== notOnlyData || !isDataWhole) throw error
        writer.nesting.depth = depth
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
    if (typeof value === 'function') this.#writer.reached(value as AnyFunction)
    const known = this.#indexes.get(value)
    if (known !== undefined) return [known]
    const row: unknown[] = []
    const index = this.rows.push(row) - 1
    this.#indexes.set(value, index)
    const held = typeof value === 'function' || value === this.#root ? undefined : heldObject(value)
    if (held !== undefined) this.#fillHeld(row, held, value, path)
    else if (this.#writer.nesting.isDeep) {
      this.#waiting.push(this.#writer.inPlace(() => this.#fill(row, value, path)))
    } else {
      this.#writer.nesting.depth++
      this.#fill(row, value, path)
      this.#writer.nesting.depth--
    }
    return [index]
  }

  #fillHeld(row: unknown[], id: number, object: object, path: string): void {
    this.#writer.changeable()
    this.needs.add(id)
    row.push(rowKind.held, id)
    this.#writer.writeObject(id, object, path)
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
    if (isUsedMembers(value)) {
      this.#fillNamespace(row, value, path)
      return
    }
    if (isLinkedNamespace(value)) {
      // Whoever is sent it next has the values that it has here.
      this.#fillNamespace(row, { homes: new Map(), copies: { ...value }, values: {} }, path)
      return
    }
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
    } else if (this.#isDataWhole && this.#isData(value)) {
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

  #fillNamespace(
    row: unknown[],
    { homes, copies, values }: Pick<UsedMembers, 'homes' | 'copies' | 'values'>,
    path: string,
  ): void {
    this.#writer.changeable()
    row.push(rowKind.namespace, this.slot(copies, path))
    for (const [member, home] of homes) {
      const id = this.#writer.bindMember(home, values[member], path + propertyStep(member))
      this.needs.add(id)
      row.push(member, id)
    }
  }

  /** The binding that something in its rows is held by. */
  heldAt(slot: Slot): number | undefined {
    const row = Array.isArray(slot) ? this.rows[slot[0] as number] : undefined
    return row?.[0] === rowKind.held ? (row[1] as number) : undefined
  }

  #isData(value: object): boolean {
    const seen = new Set<object>()
    if (!isData(value, seen)) return false
    for (const object of seen) this.objects.add(object)
    return true
  }

  #refusalOrRestart(value: object, path: string): Error {
    return captureRefusal(value, path) ?? notOnlyData
  }

  #fillParts(row: unknown[], value: object, path: string): void {
    const prototype = Object.getPrototypeOf(value) as object | null
    const owner = functionOfPrototype(value)
    if (owner === undefined) this.objects.add(value)
    if (processClasses.of(value) !== undefined) row.push(rowKind.data, value)
    else if (isCell(value)) row.push(rowKind.cell, this.slot(peek(value, 'v'), path), true)
    else if (owner !== undefined) row.push(rowKind.prototype, this.slot(owner, `${path}.constructor`))
    else if (isCollection(value, prototype) || isLeaf(value)) this.#fillKnown(row, value, prototype, path)
    else this.#fillObject(row, value, prototype, path)
  }

  /** A value of a kind of the language's, with what somebody has added to it. */
  #fillKnown(row: unknown[], value: object, prototype: object | null, path: string): void {
    if (types.isNativeError(value)) {
      this.#fillObject(row, value, prototype, path)
      return
    }
    const level = integrityOf(value)
    const special = new Set<string | symbol>(Array.isArray(value) ? specialElements(value, level) : [])
    const extra = new Set([...extraKeys(value), ...special])
    if (extra.size === 0 && level === integrity.open) this.#fillBare(row, value, path, special)
    else {
      const base: unknown[] = []
      const others: unknown[] = []
      row.push(rowKind.with, [this.rows.push(base) - 1], others)
      this.#fillBare(base, value, path, special)
      this.properties(row, others, value, path, (key) => extra.has(key))
    }
  }

  #fillBare(row: unknown[], value: object, path: string, left: ReadonlySet<string | symbol>): void {
    if (Array.isArray(value)) {
      row.push(rowKind.array)
      if (left.has('length')) return
      for (let i = 0; i < value.length; i++) {
        const isHole = !Object.hasOwn(value, i) || left.has(String(i))
        row.push(isHole ? [] : this.slot(value[i], `${path}[${i}]`))
      }
    } else if (types.isMap(value)) {
      row.push(rowKind.map)
      let index = 0
      Map.prototype.forEach.call(value, (item: unknown, key: unknown) => {
        row.push(this.slot(key, `${path}.keys()[${index}]`))
        row.push(this.slot(item, path + mapValueStep(key, index++)))
      })
    } else if (types.isSet(value)) {
      row.push(rowKind.set)
      let index = 0
      Set.prototype.forEach.call(value, (item: unknown) => {
        row.push(this.slot(item, `${path}.values()[${index++}]`))
      })
    } else row.push(rowKind.data, value)
  }

  #fillObject(row: unknown[], value: object, prototype: object | null, path: string): void {
    const others: unknown[] = []
    if (prototype === Object.prototype || prototype === null) {
      row.push(rowKind.object, prototype === null ? null : true, others)
      this.properties(row, others, value, path, () => true)
      return
    }
    const refusal = captureRefusal(value, path)
    if (refusal !== undefined) throw refusal
    if (hasHiddenContent(value)) throw builtinSubclassRefusal(value, path)
    if (!types.isNativeError(value)) {
      row.push(rowKind.object, this.#constructorOf(value, prototype, path), others)
      this.properties(row, others, value, path, () => true)
      return
    }
    const constructor = isLeaf(value)
      ? this.slot(prototype.constructor, path)
      : this.#constructorOf(value, prototype, path)
    row.push(rowKind.error, bareError(value), constructor, others)
    const isMessage = typeof peek(value, 'message') === 'string'
    this.properties(row, others, value, path, (key) => !(isMessage && key === 'message'))
  }

  /** Writes own properties, ordinary ones as keys and slots into `row`, others into `others`; and how closed it is. */
  properties(row: unknown[], others: unknown[], value: object, path: string, isMeant: IsMeant): void {
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
        row.push(key, this.slot(property.value, path + step))
      } else {
        isSpecial ||= typeof key === 'string'
        others.push(this.#special(key, property, path, step))
      }
    }
    if (level !== integrity.open) others.push([level])
  }

  #special(key: string | symbol, property: PropertyDescriptor, path: string, step: string): unknown[] {
    const { enumerable, configurable, writable, get, set } = property
    const flags =
      (enumerable === true ? propertyFlag.enumerable : 0) |
      (configurable === true ? propertyFlag.configurable : 0) |
      (writable === true ? propertyFlag.writable : 0)
    const keySlot = this.slot(key, path + step)
    if (get === undefined && set === undefined) {
      return [keySlot, flags, this.slot(property.value, path + step)]
    }
    const accessors = [
      this.slot(get, `${path} get ${String(key)}`),
      this.slot(set, `${path} set ${String(key)}`),
    ]
    return [keySlot, flags | propertyFlag.accessor, ...accessors]
  }

  /** Writes what a function, and its prototype, have got besides what its text makes. Answers whether that is anything. */
  additions(row: unknown[], others: unknown[], fn: AnyFunction, code: LiveCode, path: string): boolean {
    const { isClass } = code
    const isAdded = isAddedTo(code.read.text, isClass)
    const before = row.length
    this.properties(row, others, fn, path, isAdded)
    const { ofFunction, ofPrototype } = changedParents(fn, isClass)
    const parent = (changed: object | null | undefined, name: string): Slot =>
      changed === undefined ? true : this.slot(changed, `${path} → ${name}`)
    const inherited = [parent(ofPrototype, 'prototype of its prototype'), parent(ofFunction, 'its prototype')]
    const prototype = prototypeOf(fn)
    const ofOwn: unknown[] = []
    const own: unknown[] = []
    if (prototype !== undefined) {
      const isMeant: IsMeant = (key, property) => key !== 'constructor' && isAdded(key, property)
      this.properties(own, ofOwn, prototype, `${path}.prototype`, isMeant)
    }
    if (own.length + ofOwn.length > 0 || inherited.some((slot) => slot !== true)) {
      others.push([null, ...inherited, ofOwn, ...own])
    }
    return row.length > before || others.length > 0
  }

  #constructorOf(value: object, prototype: object, path: string): Slot {
    const constructor: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value
    if (typeof constructor !== 'function') throw prototypeRefusal(path)
    const own: unknown = Object.getOwnPropertyDescriptor(constructor, 'prototype')?.value
    if (own !== prototype) throw prototypeRefusal(path)
    this.#writer.checkInstance(value, constructor as AnyFunction, path)
    return this.slot(constructor, `${path} → ${nameOf(constructor as AnyFunction) || 'constructor'}`)
  }
}
