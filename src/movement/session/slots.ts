import type { NameKind } from './declarations.ts'

const { defineProperty, getOwnPropertyDescriptor, hasOwn } = Object
const { apply } = Reflect

/** The names of one scope and their values, which are properties of an object: one slot for each name. */
export class Slots {
  readonly target: Record<string, unknown>
  readonly isGlobal: boolean
  #kinds = new Map<string, NameKind>()

  constructor(target: object, isGlobal: boolean) {
    this.target = target as Record<string, unknown>
    this.isGlobal = isGlobal
  }

  has(name: string): boolean {
    return this.#kinds.has(name) && hasOwn(this.target, name)
  }

  kindOf(name: string): NameKind | undefined {
    return this.#kinds.get(name)
  }

  names(): { name: string; kind: NameKind }[] {
    return [...this.#kinds].map(([name, kind]) => ({ name, kind })).filter(({ name }) => this.has(name))
  }

  /** Whether code can see `name` from here, declared by the session or not. */
  sees(name: string): boolean {
    return name in this.target || name in globalThis
  }

  /** Remembers a name that code may make itself, as a sloppy assignment does. */
  note(name: string, kind: NameKind): void {
    this.#kinds.set(name, kind)
  }

  /**
   * Makes a slot for `name`, unless there is one. Slots are made before the source is run: V8 keeps what it finds,
   * and a slot that it makes itself could never be deleted.
   */
  declare(name: string, kind: NameKind): void {
    const found = getOwnPropertyDescriptor(this.target, name)
    if (found === undefined) this.#define(name, undefined)
    else if (!found.writable && found.configurable) this.#define(name, valueOf(found, this.target))
    this.#kinds.set(name, kind)
  }

  /** Some names nobody can declare: `undefined`, or what the user has frozen. */
  canDeclare(name: string): boolean {
    if (name === 'undefined') return false
    const found = getOwnPropertyDescriptor(this.target, name)
    return found === undefined || found.configurable === true || found.writable === true
  }

  set(name: string, value: unknown, kind: NameKind | undefined): void {
    this.declare(name, kind ?? this.#kinds.get(name) ?? 'var')
    this.target[name] = value
  }

  /** V8 lets nobody delete a function that was declared globally: it is emptied instead. */
  delete(name: string): boolean {
    if (!this.has(name)) return false
    this.#kinds.delete(name)
    if (!Reflect.deleteProperty(this.target, name)) this.target[name] = undefined
    return true
  }

  #define(name: string, value: unknown): void {
    defineProperty(this.target, name, { value, writable: true, enumerable: true, configurable: true })
  }
}

function valueOf({ get, value }: PropertyDescriptor, target: object): unknown {
  if (get === undefined) return value
  try {
    return apply(get, target, [])
  } catch {
    return undefined
  }
}
