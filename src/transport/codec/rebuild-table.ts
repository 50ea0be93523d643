import type { LiveData, LiveValues } from '../live-values.ts'
import { binaryTypes } from './binary-types.ts'
import { layouts, type Row } from './check-table.ts'
import { failDecode } from './decode-failure.ts'
import { nodeKind } from './node-kinds.ts'
import { defineErrorProperty, rebuildError } from './rebuild-error.ts'
import type { RegisteredClasses } from './registered-classes.ts'

/**
 * Makes the value of a node table that has been checked. First an object for each row, then what they hold, so
 * that references may lead anywhere. Attachments are taken over.
 * @param live - tells what the tokens of live values stand for
 * @throws {DecodeError} for a pattern or a URL that is malformed, an instance that can't be made, or a live value that there
 *   is not
 */
export function rebuildTable(
  rows: readonly Row[],
  attachments: readonly ArrayBuffer[],
  classes: RegisteredClasses,
  live?: LiveValues,
): unknown {
  const objects: unknown[] = []
  for (const row of rows) objects.push(begin(row, attachments, live))
  if (rows.some(isInstance)) fillInOrder(rows, objects, classes)
  else for (let i = 0; i < rows.length; i++) fill(objects[i], rows[i]!, objects)
  const root = rows[0]!
  return root[0] === nodeKind.value ? valueOf(root[1], objects) : objects[0]
}

const isInstance = (row: Row): boolean => row[0] === nodeKind.instance

/**
 * Fills each row after those it refers to, since an instance is made of data that is complete. Where data goes round in a
 * circle, part of what is around the instance comes later. That no instance is in its own data has been checked.
 */
function fillInOrder(rows: readonly Row[], objects: unknown[], classes: RegisteredClasses): void {
  const isMet = new Uint8Array(rows.length)
  const path = [0]
  const nextSlots = [layouts[rows[0]![0] as number]!.first]
  isMet[0] = 1
  while (path.length > 0) {
    const top = path.length - 1
    const index = path[top]!
    const row = rows[index]!
    const at = nextSlots[top]!
    if (at >= row.length) {
      path.pop()
      nextSlots.pop()
      if (isInstance(row)) objects[index] = classes.decode(row[1] as string, valueOf(row[2], objects))
      else fill(objects[index], row, objects)
      continue
    }
    nextSlots[top] = at + layouts[row[0] as number]!.stride
    const slot = row[at]
    const child: unknown = Array.isArray(slot) ? slot[0] : undefined
    if (typeof child !== 'number' || isMet[child] === 1) continue
    isMet[child] = 1
    path.push(child)
    nextSlots.push(layouts[rows[child]![0] as number]!.first)
  }
}

function begin(row: Row, attachments: readonly ArrayBuffer[], live: LiveValues | undefined): unknown {
  switch (row[0]) {
    case nodeKind.array:
      return []
    case nodeKind.sparseArray:
      return emptyArray(row[1] as number)
    case nodeKind.object:
      return {}
    case nodeKind.nullObject:
      return Object.create(null)
    case nodeKind.map:
      return new Map()
    case nodeKind.set:
      return new Set()
    case nodeKind.date:
      return new Date(row[1] as number)
    case nodeKind.regExp:
      return attempt('regular-expression', () => new RegExp(textOf(row[1]), row[2] as string))
    case nodeKind.error:
      return rebuildError(
        ...(row.slice(1, 4).map((text) => text && textOf(text)) as [string, string, string]),
      )
    case nodeKind.boxed:
      return Object(valueOf(row[1], []))
    case nodeKind.url:
      return attempt('url', () => new URL(row[1] as string))
    case nodeKind.binary:
      return binaryTypes[row[1] as number]!.over(memoryOf(row[2], attachments))
    case nodeKind.live:
      return attempt('live', () => raise(row, live))
    default:
      return undefined
  }
}

function raise(row: Row, live: LiveValues | undefined): unknown {
  if (live === undefined) throw new Error('No value lives here.')
  return live.raise({ kind: row[1] as number, number: row[2] as number, data: row[3] as LiveData })
}

function fill(object: unknown, row: Row, objects: readonly unknown[]): void {
  switch (row[0]) {
    case nodeKind.array:
      for (let i = 1; i < row.length; i++) (object as unknown[]).push(valueOf(row[i], objects))
      return
    case nodeKind.sparseArray:
      for (let i = 2; i < row.length; i += 2) {
        ;(object as unknown[])[row[i] as number] = valueOf(row[i + 1], objects)
      }
      return
    case nodeKind.object:
    case nodeKind.nullObject:
      for (let i = 1; i < row.length; i += 2) {
        setOwn(object as Record<string, unknown>, textOf(row[i]), propertyOf(row, i, objects))
      }
      return
    case nodeKind.map:
      for (let i = 1; i < row.length; i += 2) {
        ;(object as Map<unknown, unknown>).set(valueOf(row[i], objects), valueOf(row[i + 1], objects))
      }
      return
    case nodeKind.set:
      for (let i = 1; i < row.length; i++) (object as Set<unknown>).add(valueOf(row[i], objects))
      return
    case nodeKind.error:
      for (let i = 4; i < row.length; i += 2) {
        defineErrorProperty(object as Error, textOf(row[i]), propertyOf(row, i, objects))
      }
  }
}

/**
 * The value behind a key. No object may be one that a promise takes for another: what it is resolved with would be called,
 * and never settle it.
 */
function propertyOf(row: Row, i: number, objects: readonly unknown[]): unknown {
  const value = valueOf(row[i + 1], objects)
  if (typeof value === 'function' && textOf(row[i]) === 'then') failDecode('thenable')
  return value
}

/** The value of a slot. */
function valueOf(slot: unknown, objects: readonly unknown[]): unknown {
  if (typeof slot !== 'object' || slot === null) return slot
  if (!Array.isArray(slot)) return textOf(slot)
  const content = (slot as readonly unknown[])[0]
  if (content === undefined) return -0
  return typeof content === 'number' ? objects[content] : bigintOf(content as string)
}

function textOf(text: unknown): string {
  return typeof text === 'string' ? text : (text as Buffer).toString('utf16le')
}

function bigintOf(text: string): bigint {
  return text.startsWith('-') ? -BigInt(`0x${text.slice(1)}`) : BigInt(`0x${text}`)
}

/** Assignment would set the prototype if the key is `__proto__`. */
function setOwn(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') object[key] = value
  else Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
}

/**
 * An array of holes. If there are many, an element far off and gone again makes the engine keep the array as a
 * table, so that a length of a few bytes does not take eight bytes of memory a hole.
 */
function emptyArray(length: number): unknown[] {
  const array: unknown[] = []
  if (length > 4096) {
    array[length - 1] = null
    array.length = length - 1
  }
  array.length = length
  return array
}

function memoryOf(content: unknown, attachments: readonly ArrayBuffer[]): ArrayBuffer {
  if (typeof content === 'number') return attachments[content]!
  // What msgpackr unpacked is a view of the receive buffer.
  const { buffer, byteOffset, byteLength } = content as Uint8Array<ArrayBuffer>
  return buffer.slice(byteOffset, byteOffset + byteLength)
}

function attempt<T>(reason: 'regular-expression' | 'url' | 'live', make: () => T): T {
  try {
    return make()
  } catch (error) {
    return failDecode(reason, error)
  }
}
