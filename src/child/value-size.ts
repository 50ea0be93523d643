import { types } from 'node:util'

// Taken before user code can replace them.
const { ArrayBuffer, Map, Set, Object } = globalThis
const { getOwnPropertyDescriptor, getPrototypeOf, keys } = Object

/** So many values are looked at; the rest is taken to be like them. */
const maxVisits = 4096
/** Of a long list so many are looked at, spread evenly. */
const maxSamples = 64

const objectBytes = 24
const slotBytes = 8

interface Walk {
  readonly seen: Set<object>
  visits: number
}

/**
 * About how many bytes a value takes in memory. A guess that costs little: long lists are sampled, and no code of the
 * user runs.
 */
export function estimateBytes(value: unknown): number {
  return Math.ceil(sizeOf(value, { seen: new Set(), visits: 0 }, 0))
}

function sizeOf(value: unknown, walk: Walk, depth: number): number {
  if (typeof value === 'string') return objectBytes + value.length
  if (typeof value === 'bigint') return objectBytes
  if (typeof value === 'function') return objectBytes * 2
  if (typeof value !== 'object' || value === null) return slotBytes
  if (walk.seen.has(value) || types.isProxy(value) || ++walk.visits > maxVisits || depth > maxSamples)
    return slotBytes
  walk.seen.add(value)
  if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) return objectBytes + value.byteLength
  return objectBytes + contentOf(value, walk, depth + 1)
}

function contentOf(value: object, walk: Walk, depth: number): number {
  if (Array.isArray(value)) return listSize(value.length, (i) => ownValue(value, String(i)), walk, depth)
  if (types.isMap(value)) {
    const size = sizeGetter(Map.prototype).call(value) as number
    return 2 * slotBytes * size + sampled(Map.prototype.entries.call(value), size, walk, depth)
  }
  if (types.isSet(value)) {
    const size = sizeGetter(Set.prototype).call(value) as number
    return slotBytes * size + sampled(Set.prototype.values.call(value), size, walk, depth)
  }
  const names = keys(value)
  return listSize(names.length, (i) => ownValue(value, names[i]!), walk, depth)
}

const sizeGetter = (prototype: object): (() => unknown) => getOwnPropertyDescriptor(prototype, 'size')!.get!

const ownValue = (object: object, name: string): unknown => getOwnPropertyDescriptor(object, name)?.value

function listSize(length: number, read: (i: number) => unknown, walk: Walk, depth: number): number {
  const samples = Math.min(length, maxSamples)
  let bytes = 0
  for (let i = 0; i < samples; i++) bytes += sizeOf(read(Math.floor((i * length) / samples)), walk, depth)
  return slotBytes * length + (samples === 0 ? 0 : (bytes / samples) * length)
}

/** The first of them: what is in a map or set can't be had by its place. */
function sampled(iterator: Iterator<unknown>, size: number, walk: Walk, depth: number): number {
  let bytes = 0
  let count = 0
  for (let next = iterator.next(); next.done !== true && count < maxSamples; next = iterator.next()) {
    count++
    bytes += sizeOf(next.value, walk, depth)
  }
  return count === 0 ? 0 : (bytes / count) * size
}

const maxNameLength = 80

/** What a value is, in a word: `Map`, `Array`, `string`, the name of its class. */
export function typeOfValue(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value !== 'object') return typeof value
  if (types.isProxy(value)) return 'Proxy'
  for (let prototype = getPrototypeOf(value); prototype !== null; prototype = getPrototypeOf(prototype)) {
    if (types.isProxy(prototype)) break
    const constructor: unknown = ownValue(prototype, 'constructor')
    const name =
      typeof constructor === 'function' && !types.isProxy(constructor) && ownValue(constructor, 'name')
    if (typeof name === 'string' && name !== '') return name.slice(0, maxNameLength)
  }
  return 'object'
}
