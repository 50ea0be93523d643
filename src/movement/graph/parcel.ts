import { types } from 'node:util'
import { propertyStep } from '../../transport/codec/path.ts'
import { peek } from '../../transport/codec/peek.ts'
import { processClasses } from '../../transport/codec/registered-classes.ts'
import { servedBy } from '../flow/live-object.ts'
import type { AnyFunction } from '../function-source.ts'
import { noValueYet, valueIn } from '../live/reading.ts'
import { captureRefusal, symbolRefusal, uninitialisedRefusal } from './capture-refusals.ts'
import { isCell } from './cell.ts'
import { isCollection, isData, isLeaf } from './data-walk.ts'
import { functionOfPrototype } from './function-properties.ts'
import { heldObject } from './held-objects.ts'
import { builtinPlace, intrinsicPath } from './intrinsics.ts'
import { isLinkedNamespace } from './linked-namespace.ts'
import { isUsedMembers, type MemberVariable, type UsedMembers } from './namespace-members.ts'
import type { Nesting } from './nesting.ts'
import { rowKind } from './rows.ts'
import { type Rows, type Slot, writeKnown, writeObject } from './value-rows.ts'

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
  bindMember(home: MemberVariable, value: unknown, path: string): number
  /** @throws {CaptureError} if the policy denies what a module exports */
  permitMembers(namespace: object, path: string): void
  /** How deep the writing of parcels has got: what is too deep waits until it is over. */
  readonly nesting: Nesting
  /** Keeps what is to be known of the place where something is referred to. */
  inPlace(write: () => void): () => void
  /** Told that the parcel holds something that may change from call to call. */
  changeable(): void
}

/** Thrown to begin anew: something that was taken for data holds a function. */
const notOnlyData = new Error('not only data')

/** One value as rows; see `rows.ts`. */
export class Parcel implements Rows {
  readonly rows: unknown[][] = []
  /** It is a call's own: what is in it is made anew each time. */
  readonly isFresh: boolean
  /** Bindings that it refers to. */
  readonly needs = new Set<number>()
  /** Those of them that something needs while it is made. */
  readonly eager = new Set<number>()
  /** What is in it that stays where it is. */
  readonly live: object[] = []
  /** What a class does that is registered nobody knows before; all else that stays where it is, is in `live`. */
  #hasRegistered = false
  /** Objects that are part of it, whether they have rows or are in data that is whole. */
  readonly objects = new Set<object>()
  /** Those of them that are views of an ArrayBuffer. */
  readonly views = new Set<ArrayBufferView>()
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
   * @param isHeld - the value is held by itself, and this is where
   * @throws {CaptureError} for what can't go
   */
  static of(writer: FunctionWriter, value: unknown, path: string, isFresh: boolean, isHeld = false): Parcel {
    const root = isHeld ? value : undefined
    const { depth } = writer.nesting
    for (const isDataWhole of [true, false]) {
      const parcel = new Parcel(writer, root, isFresh, isDataWhole)
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

  /** See `Survey.isPortable`. */
  get isPortable(): boolean {
    return this.live.length === 0 && !this.#hasRegistered
  }

  checkInstance(object: object, constructor: AnyFunction, path: string): void {
    this.#writer.checkInstance(object, constructor, path)
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
      this.#fillNamespace(row, value, {}, path)
      return
    }
    if (isLinkedNamespace(value)) {
      // Whoever is sent it next has the values that it has here.
      this.#fillNamespace(row, { homes: new Map(), values: {} }, { ...value }, path)
      return
    }
    if (types.isModuleNamespaceObject(value)) this.#writer.permitMembers(value, path)
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

  #fillNamespace(row: unknown[], { homes, values }: UsedMembers, copies: object, path: string): void {
    this.#writer.changeable()
    row.push(rowKind.namespace, this.slot(copies, path))
    for (const [member, home] of homes) {
      const at = path + propertyStep(member)
      const value = valueIn(values, member)
      if (value === noValueYet) throw uninitialisedRefusal(member, at)
      const id = this.#writer.bindMember(home, value, at)
      this.needs.add(id)
      row.push(member, id)
    }
  }

  /** Something in its rows is needed while what is written is made. */
  needsAtOnce(slot: Slot): void {
    const id = this.#heldAt(slot)
    if (id !== undefined) this.eager.add(id)
  }

  /** The binding that something in its rows is held by. */
  #heldAt(slot: Slot): number | undefined {
    const row = Array.isArray(slot) ? this.rows[slot[0] as number] : undefined
    return row?.[0] === rowKind.held ? (row[1] as number) : undefined
  }

  /** What each row is of; with rows that are of nothing by themselves. */
  objectsOfRows(): Map<unknown[], unknown> {
    const objects = new Map<unknown[], unknown>(this.rows.map((row) => [row, undefined]))
    for (const [object, index] of this.#indexes) objects.set(this.rows[index]!, object)
    return objects
  }

  #isData(value: object): boolean {
    const seen = new Set<object>()
    if (!isData(value, seen)) return false
    for (const object of seen) {
      this.objects.add(object)
      if (ArrayBuffer.isView(object)) this.views.add(object)
    }
    return true
  }

  #refusalOrRestart(value: object, path: string): Error {
    return captureRefusal(value, path) ?? notOnlyData
  }

  #fillParts(row: unknown[], value: object, path: string): void {
    const prototype = Object.getPrototypeOf(value) as object | null
    const owner = functionOfPrototype(value)
    if (owner === undefined) this.objects.add(value)
    if (ArrayBuffer.isView(value)) this.views.add(value)
    if (processClasses.of(value) !== undefined) {
      this.#hasRegistered = true
      row.push(rowKind.data, value)
    } else if (isCell(value)) row.push(rowKind.cell, this.slot(peek(value, 'v'), path), true)
    else if (owner !== undefined) row.push(rowKind.prototype, this.slot(owner, `${path}.constructor`))
    else if (isCollection(value, prototype) || isLeaf(value)) writeKnown(this, row, value, prototype, path)
    else writeObject(this, row, value, prototype, path)
  }
}
