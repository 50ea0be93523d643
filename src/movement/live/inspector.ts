import type { Session } from 'node:inspector'
import type { AnyFunction } from '../function-source.ts'

// As they were before any user code: the tests of a program may put a clock of their own in their place.
const { setTimeout, clearTimeout } = globalThis

/** One scope of a live function: a copy of its variables, with the values themselves. */
export interface LiveScope {
  readonly kind: string
  readonly values: Readonly<Record<string, unknown>>
}

/** Where V8 has a function; both counted from 0. */
export interface ScriptPlace {
  readonly scriptId: string
  readonly line: number
  readonly column: number
}

/** What a bound function hides. */
export interface BoundParts {
  readonly target: AnyFunction
  readonly self: unknown
  readonly args: readonly unknown[]
}

/** What V8 knows of a function besides its text. */
export interface Internals {
  readonly place: ScriptPlace | undefined
  /** Innermost first, without the global one. */
  readonly scopes: readonly LiveScope[]
  readonly bound: BoundParts | undefined
}

interface RemoteValue {
  readonly objectId?: string
  readonly value?: unknown
  /** Of what JSON has no word for: `-0`, `NaN`, `1n`. */
  readonly unserializableValue?: string
}

interface RemoteProperty {
  readonly name: string
  readonly value?: RemoteValue
  /** Set where the name is that of a symbol. */
  readonly symbol?: object
}

interface Properties {
  readonly result: readonly RemoteProperty[]
  readonly internalProperties?: readonly RemoteProperty[]
  readonly privateProperties?: readonly RemoteProperty[]
}

/** The protocol's calls, which answer at once when they come from the same thread. */
export type Post = (method: string, parameters?: object) => unknown

/** @throws what the inspector refuses */
export function poster(session: Session): Post {
  return (method, parameters) => {
    let answer: unknown
    let failure: Error | null = null
    session.post(method, parameters, (error, result) => {
      failure = error
      answer = result
    })
    if (failure !== null) throw failure as Error
    return answer
  }
}

/** A session of this process's own inspector; undefined where it is denied or not built in. */
export function openSession(): Session | undefined {
  try {
    const { Session: InspectorSession } = process.getBuiltinModule('node:inspector')
    const session = new InspectorSession()
    session.connect()
    return session
  } catch {
    return undefined
  }
}

const boxName = '__maltsterBox'

/** For how long, and over how many readings, V8 keeps what it was asked about, so that it need not be shown it again. */
const kept = { ms: 20, readings: 64 }

/** What V8 has been shown since it was last told to let go of everything. */
class Shown {
  readonly ids = new Map<object, string>()
  readings = 0
  readonly timer: ReturnType<typeof setTimeout>

  constructor(release: () => void) {
    this.timer = setTimeout(release, kept.ms)
    this.timer.unref()
  }
}

/** Reads functions through one session that stays connected; nothing in it slows the process. */
class Reader {
  readonly #post: Post
  readonly #box: { value: unknown } = { value: undefined }
  readonly #boxId: string
  #shown: Shown | undefined

  constructor(session: Session) {
    this.#post = poster(session)
    Object.defineProperty(globalThis, boxName, { value: this.#box, configurable: true })
    const { result } = this.#post('Runtime.evaluate', { expression: boxName }) as {
      result: { objectId: string }
    }
    Reflect.deleteProperty(globalThis, boxName)
    this.#boxId = result.objectId
  }

  read(fn: AnyFunction): Internals {
    const properties = this.#internalProperties(fn)
    const find = (name: string): RemoteProperty['value'] =>
      properties.find((property) => property.name === name)?.value
    const location = find('[[FunctionLocation]]')?.value as
      | { scriptId: string; lineNumber: number; columnNumber: number }
      | undefined
    const scopes = find('[[Scopes]]')?.objectId
    const target = find('[[TargetFunction]]')?.objectId
    const internals: Internals = {
      place: location && {
        scriptId: location.scriptId,
        line: location.lineNumber,
        column: location.columnNumber,
      },
      scopes: scopes === undefined ? [] : this.#scopes(scopes),
      bound: target === undefined ? undefined : this.#bound(target, find),
    }
    return internals
  }

  privateNames(object: object): readonly string[] {
    const names = this.#properties(object).privateProperties ?? []
    return names.map(({ name }) => name)
  }

  privateField(object: object, name: string): { readonly value: unknown } | undefined {
    const fields = this.#properties(object).privateProperties ?? []
    const remote = fields.find((field) => field.name === name)?.value
    if (remote === undefined) return undefined
    if (remote.objectId !== undefined) return { value: this.#real(remote.objectId) }
    const { unserializableValue: text } = remote
    if (text === undefined) return { value: remote.value }
    return { value: text.endsWith('n') ? BigInt(text.slice(0, -1)) : Number(text) }
  }

  ownNames(elements: object): readonly string[] {
    const { result } = this.#properties(elements, { nonIndexedPropertiesOnly: true })
    return result.filter(({ symbol }) => symbol === undefined).map(({ name }) => name)
  }

  #internalProperties(fn: AnyFunction): readonly RemoteProperty[] {
    return this.#properties(fn).internalProperties ?? []
  }

  #properties(thing: object, options: object = {}): Properties {
    const objectId = this.#idOf(thing)
    return this.#post('Runtime.getProperties', { objectId, ownProperties: true, ...options }) as Properties
  }

  /** What the protocol calls a thing; V8 holds it, and all that is read of it, until `#release`. */
  #idOf(thing: object): string {
    if (this.#shown !== undefined && this.#shown.readings >= kept.readings) this.#release()
    const shown = (this.#shown ??= new Shown(() => this.#release()))
    shown.readings++
    const known = shown.ids.get(thing)
    if (known !== undefined) return known
    this.#box.value = thing
    const { result } = this.#post('Runtime.callFunctionOn', {
      objectId: this.#boxId,
      functionDeclaration: 'function(){return this.value}',
      objectGroup: 'maltster',
    }) as { result: { objectId: string } }
    this.#box.value = undefined
    shown.ids.set(thing, result.objectId)
    return result.objectId
  }

  #release(): void {
    clearTimeout(this.#shown?.timer)
    this.#shown = undefined
    this.#post('Runtime.releaseObjectGroup', { objectGroup: 'maltster' })
  }

  /** The object itself, not a description of it. */
  #real(objectId: string): unknown {
    this.#post('Runtime.callFunctionOn', {
      objectId: this.#boxId,
      functionDeclaration: 'function(value){this.value=value}',
      arguments: [{ objectId }],
      silent: true,
    })
    const { value } = this.#box
    this.#box.value = undefined
    return value
  }

  #scopes(objectId: string): LiveScope[] {
    const list = this.#real(objectId) as { description: string; object: Record<string, unknown> }[]
    const scopes: LiveScope[] = []
    for (let i = 0; i < list.length; i++) {
      const { description, object } = list[i]!
      const kind = /^\w+/.exec(description)?.[0] ?? ''
      if (kind !== 'Global') scopes.push({ kind, values: object })
    }
    return scopes
  }

  #bound(target: string, find: (name: string) => RemoteProperty['value']): BoundParts {
    const self = find('[[BoundThis]]')
    const args = find('[[BoundArgs]]')?.objectId
    return {
      target: this.#real(target) as AnyFunction,
      self: self?.objectId === undefined ? self?.value : this.#real(self.objectId),
      args: args === undefined ? [] : Array.from(this.#real(args) as ArrayLike<unknown>),
    }
  }
}

let reader: Reader | undefined
let isDenied = false

function reading(): Reader | undefined {
  if (reader === undefined && !isDenied) {
    const session = openSession()
    isDenied = session === undefined
    if (session !== undefined) reader = new Reader(session)
  }
  return reader
}

/** What V8 knows of a function; undefined where there is no inspector, as under Node's permission model. */
export const internalsOf = (fn: AnyFunction): Internals | undefined => reading()?.read(fn)

/** The private fields and methods of an object, with their `#`. */
export const privateNamesOf = (object: object): readonly string[] => reading()?.privateNames(object) ?? []

/** The value of a private field of an object, by its name with the `#`; undefined if it has none, or can't be asked. */
export const privateFieldOf = (object: object, name: string): { readonly value: unknown } | undefined =>
  reading()?.privateField(object, name)

/**
 * The names of the own properties of an array, or typed array, that are no elements, in constant time; undefined without
 * an inspector.
 */
export const ownNamesOf = (elements: object): readonly string[] | undefined => reading()?.ownNames(elements)
