import { Cell } from './cell.ts'
import type { Made } from './compile-code.ts'
import { linkNamespace } from './linked-namespace.ts'
import { namespaceOf } from './load-import.ts'
import { integrity, propertyFlag, type Row, rowKind } from './rows.ts'

/** What a graph refers to that the worker holds. */
export interface Surroundings {
  /** @throws what kept the code from being there */
  code(id: number, captured: (index: number) => Cell): HeldCode
  cell(id: number): Cell
  /** Whether a binding has its value. */
  isBound(id: number): boolean
  /** The class that is registered under a name, if one is. */
  registeredClass(name: string): unknown
  /** Whether a binding has its value; if not, `assign` is called with it when it has. */
  whenBound(id: number, assign: (value: unknown) => void): boolean
}

/** A code, with the cells of one function. */
export interface HeldCode extends Made {
  readonly isClass: boolean
  readonly captured: readonly (readonly [name: string, isCell: boolean])[]
}

const { create, defineProperty, freeze, preventExtensions, seal, setPrototypeOf } = Object
const { getBuiltinModule } = process
const { from: bufferFrom } = Buffer
const { bind } = Function.prototype
const { apply } = Reflect

/** Makes the value of a graph. @throws what a class throws while it is defined */
export function rebuildGraph(rows: readonly Row[], surroundings: Surroundings): unknown {
  return new Builder(rows, surroundings).build()
}

class Builder {
  readonly #rows: readonly Row[]
  readonly #surroundings: Surroundings
  readonly #things: unknown[] = []
  readonly #isBegun: boolean[] = []
  readonly #later: (() => void)[] = []
  /** To be done when nothing is missing any more. */
  readonly #last: (() => void)[] = []
  #missing = 0

  constructor(rows: readonly Row[], surroundings: Surroundings) {
    this.#rows = rows
    this.#surroundings = surroundings
  }

  build(): unknown {
    const value = this.#thing(0)
    for (let next = this.#later.shift(); next !== undefined; next = this.#later.shift()) next()
    this.#finish()
    return value
  }

  #finish(): void {
    if (this.#missing === 0) for (const closing of this.#last.splice(0)) closing()
  }

  /** For a value that comes when others have come. */
  #whenThere(assign: (value: unknown) => void): (value: unknown) => void {
    return (value) => {
      assign(value)
      this.#missing--
      this.#finish()
    }
  }

  #value(slot: unknown): unknown {
    if (!Array.isArray(slot)) return slot
    return this.#thing(slot[0] as number)
  }

  /** Gives a value where it belongs, now or when it is there. */
  #put(slot: unknown, assign: (value: unknown) => void): void {
    if (Array.isArray(slot)) {
      const row = this.#rows[slot[0] as number]!
      if (row[0] === rowKind.registered && this.#registered(row) === undefined) {
        this.#put(row[2], assign)
        return
      }
      if (row[0] === rowKind.held) {
        this.#missing++
        if (!this.#surroundings.whenBound(row[1] as number, this.#whenThere(assign))) return
        this.#missing--
      }
    }
    assign(this.#value(slot))
  }

  /** Gives several values at once, when all are there, so that they keep their order. */
  #putAll(slots: readonly unknown[], assign: (values: readonly unknown[]) => void): void {
    const values: unknown[] = []
    let left = slots.length
    slots.forEach((slot, index) => {
      this.#put(slot, (value) => {
        values[index] = value
        if (--left === 0) assign(values)
      })
    })
  }

  #thing(index: number): unknown {
    if (!this.#isBegun[index]) {
      this.#isBegun[index] = true
      this.#begin(index, this.#rows[index]!)
    }
    return this.#things[index]
  }

  #begin(index: number, row: Row): void {
    switch (row[0]) {
      case rowKind.data:
        this.#things[index] = row[1]
        return
      case rowKind.array:
        return this.#array(index, row)
      case rowKind.object:
        return this.#object(index, row)
      case rowKind.map:
        return this.#map(index, row)
      case rowKind.set:
        return this.#set(index, row)
      case rowKind.function:
        return this.#function(index, row)
      case rowKind.error:
        return this.#error(index, row)
      case rowKind.cell:
        this.#things[index] = row[2] === true ? new Cell() : { v: undefined }
        this.#later.push(() => this.#put(row[1], (value) => ((this.#things[index] as Cell).v = value)))
        return
      case rowKind.bound: {
        const [, target, self, ...args] = row
        const values = args.map((arg) => this.#value(arg))
        this.#things[index] = apply(bind, this.#value(target), [this.#value(self), ...values])
        return
      }
      case rowKind.held:
        this.#things[index] = this.#held(row[1] as number)
        return
      case rowKind.registered:
        this.#things[index] = this.#registered(row) ?? this.#value(row[2])
        return
      case rowKind.with:
        this.#things[index] = this.#value(row[1])
        this.#later.push(() => this.#properties(this.#things[index] as object, row, 3, row[2] as Row[]))
        return
      case rowKind.namespace:
        return this.#namespace(index, row)
      case rowKind.prototype:
        this.#things[index] = this.#prototypeOf(row[1])
        return
      case rowKind.view:
        this.#things[index] = viewOf(this.#value(row[1]) as ArrayBuffer, row)
        return
      case rowKind.binding:
        this.#things[index] = this.#surroundings.cell(row[1] as number)
        return
      default:
        this.#things[index] = shared(row)
    }
  }

  #namespace(index: number, [, slot, ...rest]: Row): void {
    const object = this.#value(slot) as object
    this.#things[index] = object
    const members: [string, () => Cell][] = []
    for (let i = 0; i < rest.length; i += 2) {
      const id = rest[i + 1] as number
      members.push([rest[i] as string, () => this.#surroundings.cell(id)])
    }
    linkNamespace(object, members)
  }

  #held(id: number): unknown {
    const { v } = this.#surroundings.cell(id)
    if (!this.#surroundings.isBound(id)) throw new Error(`What binding ${id} holds is not there yet.`)
    return v
  }

  #registered([, name]: Row): unknown {
    return this.#surroundings.registeredClass(name as string)
  }

  #array(index: number, [, ...slots]: Row): void {
    const array: unknown[] = []
    this.#things[index] = array
    array.length = slots.length
    this.#later.push(() => {
      slots.forEach((slot, i) => {
        if (!Array.isArray(slot) || slot.length > 0) this.#put(slot, (value) => (array[i] = value))
      })
    })
  }

  #map(index: number, row: Row): void {
    const map = new Map<unknown, unknown>()
    this.#things[index] = map
    this.#later.push(() => {
      this.#putAll(row.slice(1), (parts) => {
        for (let i = 0; i < parts.length; i += 2) map.set(parts[i], parts[i + 1])
      })
    })
  }

  #set(index: number, row: Row): void {
    const set = new Set<unknown>()
    this.#things[index] = set
    this.#later.push(() => {
      this.#putAll(row.slice(1), (parts) => {
        for (const part of parts) set.add(part)
      })
    })
  }

  #object(index: number, row: Row): void {
    const [, prototype, others] = row
    const object = (
      prototype === true ? {} : create(prototype === null ? null : this.#prototypeOf(prototype))
    ) as object
    this.#things[index] = object
    this.#later.push(() => this.#properties(object, row, 3, others as Row[]))
  }

  #prototypeOf(slot: unknown): object {
    return (this.#value(slot) as { prototype: object }).prototype
  }

  #error(index: number, row: Row): void {
    const [, error, prototype, others] = row
    setPrototypeOf(error, this.#prototypeOf(prototype))
    this.#things[index] = error
    this.#later.push(() => this.#properties(error as object, row, 4, others as Row[]))
  }

  #function(index: number, row: Row): void {
    const [, id, slots, others] = row as [number, number, unknown[], Row[]]
    const code = this.#surroundings.code(id, (place) => this.#value(slots[place]) as Cell)
    const assign = (): void => {
      code.captured.forEach(([name, isCell], place) => {
        if (!isCell) this.#put(slots[place], code.set[name]!)
      })
    }
    // What a class refers to may be needed while it is defined.
    if (code.isClass) assign()
    const made = code.make()
    this.#things[index] = made
    this.#later.push(() => {
      if (!code.isClass) assign()
      this.#properties(made, row, 4, others)
    })
  }

  /** What has been changed about a function and its prototype after they were made. */
  #inherited(fn: object, other: Row): void {
    const [, ofPrototype, ofFunction, others] = other
    const { prototype } = fn as { prototype: object }
    if (ofPrototype !== true) setPrototypeOf(prototype, this.#value(ofPrototype) as object | null)
    if (ofFunction !== true) setPrototypeOf(fn, this.#value(ofFunction) as object | null)
    if (other.length > 4 || (others as Row[]).length > 0)
      this.#properties(prototype, other, 4, others as Row[])
  }

  #properties(object: object, row: Row, from: number, others: readonly Row[]): void {
    for (let i = from; i < row.length; i += 2) {
      const key = row[i] as string
      const flags = { enumerable: true, configurable: true, writable: true }
      this.#define(object, key, [row[i + 1]], ([value]) => ({ value, ...flags }))
    }
    for (const other of others) {
      const [keySlot, given, first, second] = other
      if (keySlot === null) {
        this.#inherited(object, other)
        continue
      }
      if (other.length === 1) {
        this.#last.push(() => close(object, keySlot as number))
        continue
      }
      const flags = given as number
      const key = this.#value(keySlot) as string | symbol
      const enumerable = (flags & propertyFlag.enumerable) !== 0
      const configurable = (flags & propertyFlag.configurable) !== 0
      const writable = (flags & propertyFlag.writable) !== 0
      this.#define(object, key, [first, second], ([one, two]) =>
        (flags & propertyFlag.accessor) === 0
          ? { value: one, enumerable, configurable, writable }
          : ({ get: one, set: two, enumerable, configurable } as PropertyDescriptor),
      )
    }
  }

  /** A property whose value comes later has its place among the others now. */
  #define(
    object: object,
    key: string | symbol,
    slots: readonly unknown[],
    property: (values: readonly unknown[]) => PropertyDescriptor,
  ): void {
    let isThere = false
    this.#putAll(slots, (values) => {
      isThere = true
      defineProperty(object, key, property(values))
    })
    if (!isThere) defineProperty(object, key, { enumerable: true, configurable: true, value: undefined })
  }
}

function close(object: object, level: number): void {
  if (level === integrity.frozen) freeze(object)
  else if (level === integrity.sealed) seal(object)
  else preventExtensions(object)
}

function viewOf(buffer: ArrayBuffer, [, , kind, offset, length]: Row): ArrayBufferView {
  const place = [buffer, offset as number, length as number] as const
  if (kind === 'Buffer') return bufferFrom(...place)
  const View = Reflect.get(globalThis, kind as string) as new (...parts: typeof place) => ArrayBufferView
  return new View(...place)
}

/** What every process of Node.js has. */
function shared(row: Row): unknown {
  if (row[0] === rowKind.intrinsic) {
    let thing: unknown = globalThis
    for (const step of row.slice(1) as string[]) thing = (thing as Record<string, unknown>)[step]
    return thing
  }
  if (row[0] === rowKind.symbol) {
    const [, key, isWellKnown] = row as [number, string, boolean]
    return isWellKnown ? (Symbol as unknown as Record<string, symbol>)[key] : Symbol.for(key)
  }
  const [, module, name] = row as [number, string, string]
  const exports = getBuiltinModule(module) as unknown as Record<string, unknown>
  if (name === '*') return exports
  return name === '* as' ? namespaceOf(exports) : exports[name]
}
