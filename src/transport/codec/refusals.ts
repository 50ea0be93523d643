import { EventEmitter } from 'node:events'
import { types } from 'node:util'
import { inherits, peek } from './peek.ts'
import { refusalOfHandle } from './process-handles.ts'

/** Why a value can't be sent, as words that follow "it is", and what to do instead. */
export interface Refusal {
  readonly what: string
  readonly remedy: string
}

/** What is wrong with a primitive or a function that no codec can send. */
export function refusalOfPrimitive(value: unknown): Refusal {
  if (typeof value === 'symbol') {
    return { what: `a symbol (${String(value)})`, remedy: 'Send its description, a string.' }
  }
  const name = functionName(value)
  if (isClass(value)) {
    return {
      what: name === '' ? 'a class' : `a class (${name})`,
      remedy:
        'Only data can be sent here: use the class in the function that is sent, or send what a function makes of it.',
    }
  }
  return {
    what: name === '' ? 'a function' : `a function (${name})`,
    remedy:
      'Only data can be sent here: send what the function computes, or `proxy(fn)`, to be called from over there.',
  }
}

/** A promise that is resolved with such an object calls the function, and waits for what that never tells. */
export const refusalOfThen: Refusal = {
  what: 'a function under `then`, which makes the object one that is awaited wherever it comes',
  remedy: 'Send it under another name.',
}

function functionName(value: unknown): string {
  // A proxy or a class with a static `name` may answer anything, or throw.
  if (types.isProxy(value)) return ''
  const descriptor = Object.getOwnPropertyDescriptor(value, 'name')
  return typeof descriptor?.value === 'string' ? descriptor.value.slice(0, 80) : ''
}

const functionText = Function.prototype.toString
const isClass = (value: unknown): boolean =>
  typeof value === 'function' && !types.isProxy(value) && /^class\b/.test(functionText.call(value))

type Test = (value: object) => boolean

const refused: readonly (readonly [Test, string, string])[] = [
  [types.isProxy, 'a Proxy', 'Send a plain copy of what is behind it.'],
  [types.isPromise, 'a Promise', 'Await it, and send the value.'],
  [types.isWeakMap, 'a WeakMap', 'Send a Map or an object.'],
  [types.isWeakSet, 'a WeakSet', 'Send a Set or an array.'],
  [(value) => inherits(value, WeakRef.prototype), 'a WeakRef', 'Send what deref() returns.'],
  [types.isSharedArrayBuffer, 'a SharedArrayBuffer', 'Memory is not shared between processes: send a copy.'],
  [types.isGeneratorObject, 'a generator', 'Collect it into an array: [...generator].'],
  [types.isMapIterator, 'an iterator', 'Collect it into an array: [...iterator].'],
  [types.isSetIterator, 'an iterator', 'Collect it into an array: [...iterator].'],
  [types.isExternal, 'a handle of native code', 'Send the data that is behind it.'],
  [types.isKeyObject, 'a KeyObject', 'Export it, and send the bytes, if the key may leave this process.'],
  [types.isCryptoKey, 'a CryptoKey', 'Export it, and send the bytes, if the key may leave this process.'],
  [
    (value) => inherits(value, EventTarget.prototype) || inherits(value, EventEmitter.prototype),
    'an object with listeners, such as a stream or a socket',
    'Send the data that it carries, or open it over there.',
  ],
]

// Objects whose content sits in internal slots: as plain data they would silently arrive empty. Known by their
// tag, since naming the classes would load parts of Node.js that a process may never need.
const refusedTags = new Set([
  'AbortController',
  'Array Iterator',
  'AsyncGenerator',
  'Blob',
  'File',
  'FinalizationRegistry',
  'FormData',
  'Headers',
  'Iterator Helper',
  'ReadableStream',
  'RegExp String Iterator',
  'Request',
  'Response',
  'Segments',
  'String Iterator',
  'TransformStream',
  'URLSearchParams',
  'URLSearchParams Iterator',
  'WritableStream',
])
const refusedTagStarts = /^(?:Intl|WebAssembly|Temporal)\./

/** Why an object that is neither an array nor a simple object can't be sent; undefined if it can. */
export function refusalOf(value: object): Refusal | undefined {
  const handle = refusalOfHandle(value)
  if (handle !== undefined) return handle
  for (const [test, what, remedy] of refused) if (test(value)) return { what, remedy }
  const tag = peek(value, Symbol.toStringTag)
  if (typeof tag === 'string' && (refusedTags.has(tag) || refusedTagStarts.test(tag))) {
    return {
      what: `of the kind ${tag}, which lives in this process only`,
      remedy: 'Send the data that it holds.',
    }
  }
  return undefined
}
