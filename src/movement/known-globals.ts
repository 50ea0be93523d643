/** Globals of the language. */
const languageGlobals = `
  AggregateError Array ArrayBuffer Atomics BigInt BigInt64Array BigUint64Array Boolean DataView Date Error
  EvalError FinalizationRegistry Float32Array Float64Array Function Infinity Int16Array Int32Array Int8Array Intl
  JSON Map Math NaN Number Object Promise Proxy RangeError ReferenceError Reflect RegExp Set SharedArrayBuffer
  String Symbol SyntaxError TypeError URIError Uint16Array Uint32Array Uint8Array Uint8ClampedArray WeakMap
  WeakRef WeakSet WebAssembly decodeURI decodeURIComponent encodeURI encodeURIComponent escape eval globalThis
  isFinite isNaN parseFloat parseInt undefined unescape`

/** Globals that Node.js adds, as of the oldest version that is supported. */
const nodeGlobals = `
  AbortController AbortSignal Blob BroadcastChannel Buffer ByteLengthQueuingStrategy CompressionStream
  CountQueuingStrategy Crypto CryptoKey CustomEvent DOMException DecompressionStream Event EventTarget File FormData
  Headers MessageChannel MessageEvent MessagePort Performance PerformanceEntry PerformanceMark PerformanceMeasure
  PerformanceObserver PerformanceObserverEntryList PerformanceResourceTiming ReadableByteStreamController
  ReadableStream ReadableStreamBYOBReader ReadableStreamBYOBRequest ReadableStreamDefaultController
  ReadableStreamDefaultReader Request Response SubtleCrypto TextDecoder TextDecoderStream TextEncoder
  TextEncoderStream TransformStream TransformStreamDefaultController URL URLSearchParams WritableStream
  WritableStreamDefaultController WritableStreamDefaultWriter atob btoa clearImmediate clearInterval clearTimeout
  console crypto fetch global performance process queueMicrotask setImmediate setInterval setTimeout
  structuredClone`

/** Globals that came later, by the first even major version that has them without a flag (looked up in each). */
const laterGlobals: ReadonlyMap<number, string> = new Map([
  [22, 'Iterator Navigator WebSocket navigator'],
  [24, 'AsyncDisposableStack CloseEvent DisposableStack Float16Array SuppressedError URLPattern'],
  [26, 'ErrorEvent QuotaExceededError Storage Temporal localStorage sessionStorage'],
])

const words = (text: string): string[] => text.trim().split(/\s+/)

/** The globals of every process of Node.js in its major version `major`. */
export function globalsOfNode(major: number): ReadonlySet<string> {
  const names = new Set([...words(languageGlobals), ...words(nodeGlobals)])
  for (const [since, added] of laterGlobals) {
    if (major >= since) for (const name of words(added)) names.add(name)
  }
  return names
}

const known = globalsOfNode(Number.parseInt(process.versions.node, 10))

/**
 * Whether every Node.js process like this one has the global `name`. What somebody put on `globalThis` of this
 * process does not count, and neither does what a flag of this process turned on.
 */
export const isKnownGlobal = (name: string): boolean => known.has(name)

const ofLanguage = new Set(words(languageGlobals))

/** Whether the language itself has the global `name`: it is the engine's, and native. */
export const isLanguageGlobal = (name: string): boolean => ofLanguage.has(name)

const ofAnyVersion = globalsOfNode(Number.MAX_SAFE_INTEGER)

/**
 * Whether a name that nothing declares is a global of a later Node.js: what refers to it asks first whether it is there,
 * as compilers do, or fails here as it does in a worker.
 */
export const isLaterGlobal = (name: string): boolean =>
  ofAnyVersion.has(name) && !known.has(name) && !Object.hasOwn(globalThis, name)
