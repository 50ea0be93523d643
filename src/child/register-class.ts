import { inspect } from 'node:util'
import {
  type ClassCodec,
  classesOfProcess,
  type ClassTable,
  maxClassName,
} from '../transport/codec/registered-classes.ts'
import { workerContexts } from './worker-context.ts'

/** How instances of a class become data, and data an instance. */
export interface ClassCodecOptions<T extends object, D> {
  /**
   * What the class is called on both sides, at most 200 characters. It must stay what it is, so give one where a bundler
   * changes names. Default: the name of the class.
   */
  readonly name?: string
  /** Data that stands for an instance: anything that can be sent, also instances of other registered classes. */
  readonly encode: (instance: T) => D
  /**
   * Makes an instance of such data, which comes from the other process: in a host, check it if the worker's code is not
   * yours.
   */
  readonly decode: (data: D) => T
}

/** A class, also one whose constructor is private or that is abstract. */
export type RegistrableClass<T extends object> = Function & { readonly prototype: T }

/**
 * Has instances of a class travel between host and workers as what they are, also if they have private fields: as
 * arguments, results, captured values, and in errors and events. Call it on both sides, in a worker best in `preload`.
 *
 * It counts for this process; in an in-process worker for that worker, in code that a call or its `preload` runs. A
 * function that is sent and refers to the class finds the one that is registered there. **Subclasses are classes of their
 * own:** an instance of one that is not registered itself is refused as an argument or a result, since its base's codec
 * would make something else of it. Registering a class again replaces its codec; it then has the new name only. Source of
 * the semantics: what `structuredClone` lacks, as pickle's `copyreg` has it.
 *
 * @param Class - the class
 * @param codec - `encode` and `decode`, and the `name` that both sides have for it
 * @returns what takes it back when it is disposed of
 * @throws {TypeError} if it is no class, or one of the language, its name is taken by another class, or an option is wrong
 * @example
 * import { registerClass, spawnWorker } from 'maltster'
 *
 * class Celsius {
 *   #degrees
 *   constructor(degrees: number) {
 *     this.#degrees = degrees
 *   }
 *   get degrees() {
 *     return this.#degrees
 *   }
 * }
 * const register = () =>
 *   registerClass(Celsius, { encode: ({ degrees }) => degrees, decode: (degrees: number) => new Celsius(degrees) })
 * register()
 * await using worker = await spawnWorker({ preload: [register] })
 * const warmer = await worker.call((one: Celsius) => new Celsius(one.degrees + 1), [new Celsius(20)])
 * console.log(warmer instanceof Celsius, warmer.degrees) // true 21
 */
export function registerClass<T extends object, D>(
  Class: RegistrableClass<T>,
  codec: ClassCodecOptions<T, D>,
): Disposable {
  const prototype = prototypeOf(Class)
  const { name, encode, decode } = checked(Class, codec)
  const table = tableHere()
  const taken = table.byName.get(name)
  if (taken !== undefined && taken.prototype !== prototype) {
    throw new TypeError(
      `Another class is registered as ${JSON.stringify(name)}: give one of them another \`name\`, the same in all processes.`,
    )
  }
  const entry: ClassCodec = {
    name,
    prototype,
    encode: encode as ClassCodec['encode'],
    decode: decode as ClassCodec['decode'],
  }
  const before = table.byPrototype.get(prototype)
  if (before !== undefined) table.byName.delete(before.name)
  table.byName.set(name, entry)
  table.byPrototype.set(prototype, entry)
  return { [Symbol.dispose]: () => remove(table, entry) }
}

function remove({ byName, byPrototype }: ClassTable, entry: ClassCodec): void {
  if (byName.get(entry.name) === entry) byName.delete(entry.name)
  if (byPrototype.get(entry.prototype) === entry) byPrototype.delete(entry.prototype)
}

/** That of the in-process worker whose code this is, else of the process. */
function tableHere(): ClassTable {
  const guest = workerContexts().findLast(
    ({ classes, isCurrent }) => classes !== undefined && isCurrent?.() === true,
  )
  return guest?.classes ?? classesOfProcess()
}

/** Classes of the language, and two of Node.js: how their values travel is settled, and nobody else's. */
function isOfLanguage(Class: unknown): Class is Function {
  if (typeof Class !== 'function') return false
  if (Class === Buffer || Class === URL || Class === Object.getPrototypeOf(Uint8Array)) return true
  return (
    Object.getOwnPropertyDescriptor(globalThis, Class.name)?.value === Class &&
    Function.prototype.toString.call(Class).endsWith('{ [native code] }')
  )
}

function prototypeOf(Class: unknown): object {
  const own: unknown =
    typeof Class === 'function' ? Object.getOwnPropertyDescriptor(Class, 'prototype')?.value : undefined
  if (typeof own !== 'object' || own === null) {
    throw new TypeError(`Expected a class to register, got ${kindOf(Class)}.`)
  }
  if (own === Object.prototype || Object.getOwnPropertyDescriptor(own, 'constructor')?.value !== Class) {
    throw new TypeError(
      'Expected a class to register whose `prototype.constructor` it is itself: its instances could not be told from others.',
    )
  }
  if (isOfLanguage(Class)) {
    throw new TypeError(
      `\`${Class.name}\` can't be registered: how values of a class of the language travel, or that they ` +
        "don't, is settled. Register a class of your own that holds such a value.",
    )
  }
  return own
}

const known = new Set(['name', 'encode', 'decode'])

function checked<T extends object, D>(
  Class: RegistrableClass<T>,
  codec: ClassCodecOptions<T, D>,
): ClassCodecOptions<T, D> & { readonly name: string } {
  if (typeof codec !== 'object' || codec === null) {
    throw new TypeError(`Expected \`{ name?, encode, decode }\`, got ${kindOf(codec)}.`)
  }
  const unknown = Object.keys(codec).find((key) => !known.has(key))
  if (unknown !== undefined) {
    throw new TypeError(
      `A class codec has no option \`${unknown}\`. There are: \`name\`, \`encode\`, \`decode\`.`,
    )
  }
  for (const key of ['encode', 'decode'] as const) {
    if (typeof codec[key] !== 'function')
      throw new TypeError(`Expected \`${key}\` to be a function, got ${kindOf(codec[key])}.`)
  }
  const name: unknown = codec.name ?? Object.getOwnPropertyDescriptor(Class, 'name')?.value
  if (typeof name !== 'string' || name === '' || name.length > maxClassName) {
    throw new TypeError(
      `Expected \`name\` to be a string of 1 to ${maxClassName} characters, got ${kindOf(name)}.`,
    )
  }
  return { ...codec, name }
}

function kindOf(value: unknown): string {
  if (value === null) return '`null`'
  if (typeof value === 'string') return `\`${JSON.stringify(value.slice(0, 80))}\` (string)`
  return typeof value === 'object' || typeof value === 'function'
    ? `a value of type ${typeof value}`
    : `\`${inspect(value)}\` (${typeof value})`
}
