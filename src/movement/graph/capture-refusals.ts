import { EventEmitter } from 'node:events'
import Module from 'node:module'
import { clearImmediate, clearTimeout, setImmediate, setTimeout } from 'node:timers'
import { types } from 'node:util'
import { CaptureError } from '../../errors/data-errors.ts'
import { inherits, inheritsFromProxy, peek } from '../../transport/codec/peek.ts'
import { type AnyFunction, isNativeText } from '../function-source.ts'
import { refusalOfHandle } from '../../transport/codec/process-handles.ts'
import { refusalOf } from '../../transport/codec/refusals.ts'

interface Kind {
  readonly test: (value: object) => boolean
  readonly label?: string
  readonly why: string
  readonly hint: string
}

function constructorOf(value: object): AnyFunction | undefined {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (typeof prototype !== 'object' || prototype === null) return undefined
  const constructor: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value
  return typeof constructor === 'function' ? (constructor as AnyFunction) : undefined
}

const classOf = (value: object): string => {
  const constructor = constructorOf(value) ?? {}
  const name: unknown = Object.getOwnPropertyDescriptor(constructor, 'name')?.value
  return typeof name === 'string' ? name : ''
}

// A class is known by what it is and not by its name: users have servers, sockets and timeouts of their own.
const timerPrototypes = ((): readonly unknown[] => {
  const timeout = setTimeout(() => {}, 0)
  const immediate = setImmediate(() => {})
  clearTimeout(timeout)
  clearImmediate(immediate)
  return [Object.getPrototypeOf(timeout), Object.getPrototypeOf(immediate)]
})()

const isTimer = (value: object): boolean => timerPrototypes.includes(Object.getPrototypeOf(value))
const isSocket = (value: object): boolean =>
  inherits(value, EventEmitter.prototype) && /^(?:Socket|TLSSocket|Server)$/.test(classOf(value))
const isStream = (value: object): boolean =>
  inherits(value, EventEmitter.prototype) && typeof peek(value, 'pipe') === 'function'

const isModule = (value: object): boolean => inherits(value, Module.prototype)

const weakly = 'what it holds weakly belongs to the memory of this process'
const weakHint = 'Use a Map, a Set or a plain reference, or make it inside the function'

const kinds: readonly Kind[] = [
  {
    test: types.isProxy,
    label: 'Proxy',
    why: 'what a Proxy does is hidden in its handler',
    hint: 'Pass the object behind it, or a plain copy',
  },
  {
    test: inheritsFromProxy,
    label: 'Proxy',
    why: 'what it inherits is behind a Proxy, whose handler is hidden',
    hint: 'Pass a plain copy',
  },
  {
    test: types.isPromise,
    label: 'Promise',
    why: 'a promise is settled in this process only',
    hint: 'Await it before the call, and use the value',
  },
  {
    test: (value) => types.isWeakMap(value) || types.isWeakSet(value),
    why: weakly,
    hint: `${weakHint}; if a compiler has made it of private fields, have it compile for ES2022`,
  },
  {
    test: (value) => inherits(value, WeakRef.prototype),
    why: weakly,
    hint: weakHint,
  },
  {
    test: types.isGeneratorObject,
    label: 'generator',
    why: 'a generator has stopped in the midst of code of this process',
    hint: 'Collect it into an array, or start it inside the function',
  },
  {
    test: isModule,
    why: 'it stands for a CommonJS module of this process, with all that it has loaded',
    hint: 'Use `exports`, or the variable that is needed of it',
  },
  {
    test: isTimer,
    why: 'a timer belongs to the event loop of this process',
    hint: 'Start it inside the function',
  },
  {
    test: isSocket,
    why: "a socket can't leave its process",
    hint: 'Open it in the worker, e.g. in `preload`',
  },
  {
    test: isStream,
    why: "a stream can't leave its process",
    hint: 'Open it in the worker, e.g. in `preload`, or pass the data it carries',
  },
]

/** Why an object can't go to another process; undefined if it may. */
export function captureRefusal(value: object, path: string): CaptureError | undefined {
  const handle = refusalOfHandle(value)
  const kind = handle === undefined ? kinds.find(({ test }) => test(value)) : undefined
  const label = kind?.label ?? classOf(value)
  const shown = label === '' ? path : `${path} (${label})`
  if (kind !== undefined) return new CaptureError({ path: shown, why: kind.why, hint: kind.hint })
  const refusal = refusalOf(value)
  if (refusal === undefined) return undefined
  const remedy = refusal.remedy.replace(/\.$/, '')
  const hint = handle === undefined ? `${remedy}, or make it inside the function` : remedy
  return new CaptureError({ path: shown, why: `it is ${refusal.what}`, hint })
}

export const symbolRefusal = (symbol: symbol, path: string): CaptureError =>
  new CaptureError({
    path,
    why: `it is a unique symbol (${String(symbol)}), which no other process has`,
    hint: 'Use `Symbol.for(name)`, which is the same everywhere',
  })

export const privateRefusal = (name: string, className: string, path: string): CaptureError =>
  new CaptureError({
    path: `${path} (${className})`,
    why: `it has the private field \`${name}\`, which nobody can set from outside`,
    hint: `Register its class here and in the worker, \`registerClass(${className || 'Class'}, { encode, decode })\`, or pass its data`,
  })

const staticPrivateHint =
  'Make it a public static field, or a variable of the module: those go along with their values'

export const changedPrivateRefusal = (name: string, path: string): CaptureError =>
  new CaptureError({
    path: `${path}.${name}`,
    why: 'it is a static private field that has another value than the text of its class gives it, and nobody can set it from outside',
    hint: staticPrivateHint,
  })

export const unknownPrivateRefusal = (name: string, path: string): CaptureError =>
  new CaptureError({
    path: `${path}.${name}`,
    why: 'it is a static private field: the text of its class would make it anew, which need not be what it is now, and nobody can set it from outside',
    hint: staticPrivateHint,
  })

export const prototypeRefusal = (path: string): CaptureError =>
  new CaptureError({
    path,
    why: 'it has a prototype that no class or function stands for',
    hint: 'Pass a plain object, or an instance of a class',
  })

export const uninitialisedRefusal = (name: string, path: string): CaptureError =>
  new CaptureError({
    path,
    why: `\`${name}\` has not been given its value yet`,
    hint: 'Make the call after the line that declares it',
  })

export const ambiguousRefusal = (name: string, path: string): CaptureError =>
  new CaptureError({
    path,
    why: `\`${name}\` is assigned by functions that were made several times and look alike, so who shares it with whom can't be known`,
    hint: 'Keep it in an object that they refer to, or send one of them at a time',
  })

export const additionRefusal = (path: string): CaptureError =>
  new CaptureError({
    path,
    why: 'it was put there after the text that goes over was run, and only text goes where nothing is found',
    hint: "Let it be found (`capture: 'auto'`), or make it there",
  })

export const deletionRefusal = (path: string): CaptureError =>
  new CaptureError({
    path,
    why: 'it has been deleted since its class was made, and the text of the class, which goes over, makes it again',
    hint: 'Leave it out of the class, or set it to `undefined`',
  })

export const unprovenRefusal = (name: string, path: string): CaptureError =>
  new CaptureError({
    path,
    why: `\`${name}\` is assigned by a function, and nothing shows whether the others that seem to share it were made together`,
    hint: 'Keep it in an object that they refer to, or keep them in one object and refer to that',
  })

export const inspectorRefusal = (name: string, path: string): CaptureError =>
  new CaptureError({
    path: `${path} → ${name}`,
    why: `\`${name}\` has to be read from the live function, and this process may not use its inspector`,
    hint: `Pass it by \`captures: { ${name} }\``,
  })

export function builtinSubclassRefusal(value: object, path: string): CaptureError {
  if (isOfOtherRealm(value)) return otherRealmRefusal(value, path)
  return new CaptureError({
    path: `${path} (${classOf(value)})`,
    why: 'its class extends one of the language whose content is hidden, such as Map or Array',
    hint: 'Pass its content, and make it anew inside the function',
  })
}

export function processInstanceRefusal(value: object, path: string): CaptureError {
  if (isOfOtherRealm(value)) return otherRealmRefusal(value, path)
  return new CaptureError({
    path: `${path} (${classOf(value)})`,
    why: 'objects of this class live in this process only',
    hint: 'Pass the data that it holds, or make it inside the function',
  })
}

/** Whether its class is one of the language, but not that of this program. */
function isOfOtherRealm(value: object): boolean {
  const constructor = constructorOf(value)
  const own: unknown = Object.getOwnPropertyDescriptor(globalThis, classOf(value))?.value
  return (
    constructor !== undefined && isNativeText(constructor) && typeof own === 'function' && own !== constructor
  )
}

const otherRealmRefusal = (value: object, path: string): CaptureError =>
  new CaptureError({
    path: `${path} (${classOf(value)})`,
    why: 'it was made in another context of `node:vm`, whose classes are not those of this program',
    hint: 'Take a copy that is of this one, such as `structuredClone(value)`',
  })

export const otherRealmFunctionRefusal = (path: string): CaptureError =>
  new CaptureError({
    path,
    why: 'it was made in another context of `node:vm`, whose globals and classes are not those of this program',
    hint: 'Run its text in this one, `vm.runInThisContext(text)`, or send a function of this program that does the same',
  })

export const circleRefusal = (name: string, other: string, path: string): CaptureError =>
  new CaptureError({
    path,
    why: `\`${name}\` and \`${other}\` would each have to be there before the other is made`,
    hint: 'Make one of them inside the function, or let it refer to the other by a variable of the module',
  })

export const nodeCodeRefusal = (path: string): CaptureError =>
  new CaptureError({
    path,
    why: 'it is code of Node.js itself, and no export of one of its modules',
    hint: 'Import what it is from inside the function',
  })

export const constantConflict = ({
  name,
  module,
  path,
}: {
  name: string
  module: string
  path: string
}): CaptureError =>
  new CaptureError({
    path,
    why: `\`${name}\` is a constant of ${module}, and the worker has another value for it: the module was evaluated twice`,
    hint: 'Pass the value as an argument, or delete it there: `worker.globals.delete(name)`',
  })
