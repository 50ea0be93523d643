import { types } from 'node:util'

/**
 * Compares what a codec must keep: -0, holes, prototypes of plain data, kinds of memory, what is the same object
 * as what. Returns the path of the first difference, or undefined.
 */
export function difference(expected: unknown, actual: unknown): string | undefined {
  const partners = new Map<object, unknown>()
  const taken = new Set<object>()
  const work: [unknown, unknown, string][] = [[expected, actual, 'value']]
  for (let next = work.pop(); next !== undefined; next = work.pop()) {
    const [a, b, path] = next
    if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) {
      if (!Object.is(a, b)) return `${path}: ${String(a)} against ${String(b)}`
      continue
    }
    if (partners.has(a)) {
      if (partners.get(a) !== b) return `${path}: not the same object as before`
      continue
    }
    if (taken.has(b)) return `${path}: one object where there were two`
    partners.set(a, b)
    taken.add(b)
    const shallow = shallowDifference(a, b)
    if (shallow !== undefined) return `${path}: ${shallow}`
    for (const [step, childA, childB] of children(a, b)) work.push([childA, childB, path + step])
  }
  return undefined
}

function shallowDifference(a: object, b: object): string | undefined {
  if (kindOf(a) !== kindOf(b)) return `${kindOf(a)} against ${kindOf(b)}`
  if (types.isNativeError(a)) {
    const names = Object.getOwnPropertyNames(a).toSorted().join()
    if (names !== Object.getOwnPropertyNames(b).toSorted().join()) return 'other properties of an error'
    return a.name === (b as Error).name ? undefined : 'other name'
  }
  if (types.isDate(a)) return Object.is(a.getTime(), (b as Date).getTime()) ? undefined : 'other date'
  if (types.isRegExp(a)) return samePattern(a, b as RegExp) ? undefined : 'other pattern'
  if (a instanceof URL) return a.href === (b as URL).href ? undefined : 'other URL'
  if (types.isBoxedPrimitive(a)) return Object.is(a.valueOf(), b.valueOf()) ? undefined : 'other boxed value'
  if (types.isArrayBuffer(a) || ArrayBuffer.isView(a)) {
    return Buffer.compare(bytes(a), bytes(b as ArrayBuffer)) === 0 ? undefined : 'other bytes'
  }
  if (Array.isArray(a) && a.length !== (b as unknown[]).length) return 'other length'
  if (types.isMap(a) || types.isSet(a)) return a.size === (b as Set<unknown>).size ? undefined : 'other size'
  const keysA = Object.keys(a)
  if (keysA.join('\n') !== Object.keys(b).join('\n')) return 'other keys'
  return undefined
}

const samePattern = (a: RegExp, b: RegExp): boolean =>
  a.source === b.source && a.flags === b.flags && a.lastIndex === b.lastIndex

function kindOf(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null
    ? 'null prototype'
    : (prototype as { constructor: { name: string } }).constructor.name
}

function bytes(value: ArrayBuffer | ArrayBufferView): Buffer {
  return ArrayBuffer.isView(value)
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    : Buffer.from(value)
}

function* children(a: object, b: object): Iterable<[string, unknown, unknown]> {
  if (types.isMap(a)) {
    const [listA, listB] = [[...a], [...(b as Map<unknown, unknown>)]]
    for (const [i, [key, value]] of listA.entries()) {
      yield [`.keys()[${i}]`, key, listB[i]![0]]
      yield [`.values()[${i}]`, value, listB[i]![1]]
    }
  } else if (types.isSet(a)) {
    const listB = [...(b as Set<unknown>)]
    for (const [i, value] of [...a].entries()) yield [`.values()[${i}]`, value, listB[i]]
  } else if (!ArrayBuffer.isView(a) && !types.isBoxedPrimitive(a)) {
    const names = types.isNativeError(a) ? Object.getOwnPropertyNames(a) : Object.keys(a)
    const [fromA, fromB] = [a, b] as [Record<string, unknown>, Record<string, unknown>]
    for (const name of names) yield [`.${name}`, read(fromA, name), read(fromB, name)]
  }
}

function read(object: Record<string, unknown>, name: string): unknown {
  return Object.getOwnPropertyDescriptor(object, name)?.value ?? object[name]
}
