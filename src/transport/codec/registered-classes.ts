import { DecodeError } from '../../errors/data-errors.ts'

/** How instances of one class travel. */
export interface ClassCodec {
  /** What the class is called on the wire. */
  readonly name: string
  readonly prototype: object
  readonly encode: (instance: object) => unknown
  readonly decode: (data: unknown) => unknown
}

/** The classes that somebody has registered. Plain data, since two copies of this package share it. */
export interface ClassTable {
  readonly byName: Map<string, ClassCodec>
  readonly byPrototype: WeakMap<object, ClassCodec>
}

export const newClassTable = (): ClassTable => ({ byName: new Map(), byPrototype: new WeakMap() })

/**
 * The runtime of a worker is one bundled file, and `maltster/worker` and `maltster` are other modules, of which there may
 * be two copies: they meet under this registered symbol of the global object.
 */
const tableSymbol = Symbol.for('maltster.registeredClasses')

/** The classes that are registered in this process, but for those of guests. */
export function classesOfProcess(): ClassTable {
  const holder = globalThis as unknown as Record<symbol, ClassTable | undefined>
  const found = holder[tableSymbol]
  if (found !== undefined) return found
  const table = newClassTable()
  Object.defineProperty(globalThis, tableSymbol, { value: table })
  return table
}

/** Longest name on the wire. */
export const maxClassName = 200

/** No chain of classes is longer; a proxy in it could pretend to go on for ever. */
const maxBases = 64

const { getPrototypeOf } = Object

/** What one side of a lane knows: its own classes, then those of the process. */
export class RegisteredClasses {
  readonly #tables: readonly ClassTable[]

  constructor(tables: readonly ClassTable[]) {
    this.#tables = tables
  }

  get isEmpty(): boolean {
    for (const { byName } of this.#tables) if (byName.size > 0) return false
    return true
  }

  /** The codec of the very class that an object is of, whose bases don't count. */
  of(object: object): ClassCodec | undefined {
    if (this.isEmpty) return undefined
    const prototype = getPrototypeOf(object) as object | null
    return prototype === null ? undefined : this.#ofPrototype(prototype)
  }

  /** The nearest class above that of an object which is registered. */
  baseOf(object: object): ClassCodec | undefined {
    if (this.isEmpty) return undefined
    let prototype = getPrototypeOf(object) as object | null
    for (let i = 0; prototype !== null && i < maxBases; i++) {
      const found = this.#ofPrototype(prototype)
      if (found !== undefined) return found
      prototype = getPrototypeOf(prototype) as object | null
    }
    return undefined
  }

  /** The codec of a class itself. */
  ofClass(candidate: object): ClassCodec | undefined {
    if (this.isEmpty || typeof candidate !== 'function') return undefined
    const prototype: unknown = Object.getOwnPropertyDescriptor(candidate, 'prototype')?.value
    return typeof prototype === 'object' && prototype !== null ? this.#ofPrototype(prototype) : undefined
  }

  named(name: string): ClassCodec | undefined {
    for (const { byName } of this.#tables) {
      const found = byName.get(name)
      if (found !== undefined) return found
    }
    return undefined
  }

  /**
   * Makes an instance of what arrived.
   * @throws {DecodeError} if there is no such class, or its codec fails
   */
  decode(name: string, data: unknown): unknown {
    const codec = this.named(name)
    if (codec === undefined) throw notRegistered(name)
    let instance: unknown
    try {
      instance = codec.decode(data)
    } catch (cause) {
      throw codecFailed(name, cause instanceof Error ? `threw: ${cause.message}` : 'threw', cause)
    }
    if (Object.prototype.isPrototypeOf.call(codec.prototype, instance as object)) return instance
    throw codecFailed(name, 'did not return an instance of it', undefined)
  }

  #ofPrototype(prototype: object): ClassCodec | undefined {
    for (const { byPrototype } of this.#tables) {
      const found = byPrototype.get(prototype)
      if (found !== undefined) return found
    }
    return undefined
  }
}

function notRegistered(name: string): DecodeError {
  const shown = JSON.stringify(name)
  return new DecodeError(
    `An instance of the class ${shown} arrived where no class is registered under that name. ` +
      `Register it on both sides: \`registerClass(Class, { name: ${shown}, encode, decode })\`; in a worker in \`preload\`.`,
    { reason: 'class' },
  )
}

function codecFailed(name: string, what: string, cause: unknown): DecodeError {
  const message = `An instance of the class ${JSON.stringify(name)} arrived, and its \`decode\` ${what}.`
  return new DecodeError(message, { reason: 'class-codec', cause })
}

/** What a host, and a worker that is a process, knows. */
export const processClasses = new RegisteredClasses([classesOfProcess()])
