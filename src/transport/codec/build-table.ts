import { EncodeError } from '../../errors/data-errors.ts'
import type { Limits } from '../limits.ts'
import type { LiveValues } from '../live-values.ts'
import { leastAttachment, maxAttachments, maxSpecialText, nodeKind } from './node-kinds.ts'
import { liveRow, type OpenRow, openObject, type RowContext } from './open-object.ts'
import { shortenPath } from './path.ts'
import { type Refusal, refusalOfPrimitive, refusalOfThen } from './refusals.ts'
import type { RegisteredClasses } from './registered-classes.ts'
import { travelsAsUtf8 } from './text.ts'

/** A value as rows that msgpackr can pack, and the memory that goes beside them. */
export interface NodeTable {
  readonly rows: readonly unknown[][]
  readonly attachments: readonly Uint8Array[]
}

/**
 * Turns any value that can be sent into a node table.
 * @param rootPath - how paths in errors begin
 * @param live - tells which values stay where they are
 * @throws {EncodeError} with the path of the first part that can't be sent, or passes a limit
 */
export function buildTable(
  value: unknown,
  rootPath: string,
  limits: Limits,
  classes: RegisteredClasses,
  live?: LiveValues,
): NodeTable {
  return new TableBuilder(rootPath, limits, classes, live).build(value)
}

/** An object whose children are being visited. */
interface Frame {
  readonly index: number
  readonly open: OpenRow
  next: number
  /** Items in it so far, itself included, counted unfolded. */
  size: number
  /** Nesting below it so far. */
  height: number
}

/** One depth-first walk without recursion, so that depth is bounded by the limit and not by the stack. */
class TableBuilder implements RowContext {
  readonly classes: RegisteredClasses
  readonly #rootPath: string
  readonly #limits: Limits
  readonly #live: LiveValues | undefined
  readonly #rows: unknown[][] = []
  readonly #attachments: Uint8Array[] = []
  readonly #indexes = new Map<object, number>()
  /** By row: its size and height once it is complete. While it is open its size is 0. */
  readonly #sizes: number[] = []
  readonly #heights: number[] = []
  readonly #frames: Frame[] = []
  #bodyBytes = 0
  #attachmentBytes = 0

  constructor(rootPath: string, limits: Limits, classes: RegisteredClasses, live: LiveValues | undefined) {
    this.classes = classes
    this.#rootPath = rootPath
    this.#limits = limits
    this.#live = live
  }

  build(value: unknown): NodeTable {
    try {
      if (typeof value === 'object' && value !== null) this.#reference(value)
      else if (typeof value === 'function') this.#function(value)
      else this.#rows.push([nodeKind.value, this.primitive(value)])
      for (let frame = this.#frames.at(-1); frame !== undefined; frame = this.#frames.at(-1)) {
        if (frame.next === frame.open.count) this.#close(frame)
        else this.#visitNext(frame)
      }
    } catch (error) {
      if (error instanceof EncodeError) throw error
      const path = this.#path()
      throw new EncodeError(
        `${path} can't be sent: reading it failed${whyOf(error)}. Send data that can be read, or leave it out.`,
        { path, cause: error },
      )
    }
    return { rows: this.#rows, attachments: this.#attachments }
  }

  #visitNext(frame: Frame): void {
    const { row, keys, read } = frame.open
    const i = frame.next++
    const child = read(i)
    if (keys !== undefined) {
      const key = keys[i]!
      row.push(typeof key === 'string' ? this.text(key) : key)
    }
    if (typeof child === 'object' && child !== null) {
      row.push(this.#reference(child))
    } else if (typeof child === 'function') {
      if (keys?.[i] === 'then') this.#refuse(refusalOfThen)
      row.push(this.#function(child))
    } else {
      row.push(this.primitive(child))
      frame.size++
    }
  }

  #isOpenInstance(index: number): boolean {
    return this.#frames.some((frame) => frame.index === index && frame.open.isInstance === true)
  }

  /** The slot for an object. Its row is begun, and its children are next, if it was not met before. */
  #reference(value: object): [number] {
    const known = this.#indexes.get(value)
    if (known !== undefined) {
      if (this.#sizes[known] === 0 && this.#isOpenInstance(known)) this.#refuse(ownData)
      this.#count(known)
      return [known]
    }
    const opened = openObject(value, this, this.#live)
    if ('what' in opened) this.#refuse(opened)
    const index = this.#rows.push(opened.row) - 1
    this.#indexes.set(value, index)
    this.#sizes.push(0)
    this.#heights.push(0)
    if ('count' in opened) {
      this.#open(index, opened)
    } else {
      this.#sizes[index] = 1
      this.#count(index)
    }
    return [index]
  }

  /** The slot for a function, where it can be called from over there. */
  #function(value: object): [number] {
    const known = this.#indexes.get(value)
    const token = known === undefined ? this.#live?.lower(value, () => this.#path()) : undefined
    if (known === undefined && token === undefined) this.#refuse(refusalOfPrimitive(value))
    const index = known ?? this.#rows.push(liveRow(token!)) - 1
    this.#indexes.set(value, index)
    this.#sizes[index] = 1
    this.#heights[index] = 0
    this.#count(index)
    return [index]
  }

  #open(index: number, open: OpenRow): void {
    const { maxItems } = this.#limits
    this.#checkDepth(1)
    const size = 1 + (open.holes ?? 0)
    if (size + open.count > maxItems) this.#tooManyItems()
    this.#frames.push({ index, open, next: 0, size, height: 1 })
  }

  #close(frame: Frame): void {
    this.#sizes[frame.index] = frame.size
    this.#heights[frame.index] = frame.height
    this.#frames.pop()
    if (frame.size > this.#limits.maxItems) this.#tooManyItems()
    this.#count(frame.index)
  }

  /** Adds what row `index` holds to the object that refers to it. A row that is still open is a cycle: one item. */
  #count(index: number): void {
    const parent = this.#frames.at(-1)
    if (parent === undefined) return
    const size = this.#sizes[index]!
    parent.size += size === 0 ? 1 : size
    if (parent.size > this.#limits.maxItems) this.#tooManyItems()
    if (size === 0) return
    const height = this.#heights[index]!
    if (height >= parent.height) {
      this.#checkDepth(height)
      parent.height = height + 1
    }
  }

  primitive(value: unknown): unknown {
    switch (typeof value) {
      case 'number':
        return Object.is(value, -0) ? [] : value
      case 'string':
        return this.text(value)
      case 'bigint':
        return [this.#hexadecimal(value)]
      case 'symbol':
      case 'function':
        return this.#refuse(refusalOfPrimitive(value))
      default:
        return value
    }
  }

  text(text: string): string | Buffer {
    this.#addBytes(text.length)
    return travelsAsUtf8(text) ? text : Buffer.from(text, 'utf16le')
  }

  #hexadecimal(value: bigint): string {
    const text = value.toString(16)
    if (text.length > maxSpecialText) {
      this.#refuse({
        what: `a bigint of more than ${maxSpecialText} hexadecimal digits`,
        remedy: 'Send it in parts, or as bytes.',
      })
    }
    this.#addBytes(text.length)
    return text
  }

  memory(bytes: Uint8Array): Buffer | number {
    const { byteLength } = bytes
    if (byteLength < leastAttachment || this.#attachments.length === maxAttachments) {
      this.#addBytes(byteLength)
      return Buffer.from(bytes.buffer, bytes.byteOffset, byteLength)
    }
    const { maxAttachmentBytes } = this.#limits
    this.#attachmentBytes += byteLength
    if (this.#attachmentBytes > maxAttachmentBytes) {
      this.#overLimit(
        `it takes the large binary of the message over maxAttachmentBytes (${maxAttachmentBytes} bytes)`,
        'Send it in parts, or raise limits.maxAttachmentBytes.',
      )
    }
    return this.#attachments.push(bytes) - 1
  }

  #addBytes(byteLength: number): void {
    this.#bodyBytes += byteLength
    if (this.#bodyBytes > this.#limits.maxBodyBytes) {
      this.#overLimit(
        `it takes the message over maxBodyBytes (${this.#limits.maxBodyBytes} bytes)`,
        'Send it in parts, as binary of its own, or raise limits.maxBodyBytes.',
      )
    }
  }

  #checkDepth(height: number): void {
    const { maxDepth } = this.#limits
    if (this.#frames.length + height > maxDepth) {
      this.#overLimit(
        `it is nested deeper than maxDepth (${maxDepth})`,
        'Send it flat, as a list that refers by index, or raise limits.maxDepth.',
      )
    }
  }

  #tooManyItems(): never {
    this.#overLimit(
      `it holds more than maxItems (${this.#limits.maxItems}) values, those that are referred to twice counted twice`,
      'Send it in parts, numbers as a typed array, or raise limits.maxItems.',
    )
  }

  #refuse(refusal: Refusal): never {
    const path = this.#path()
    throw new EncodeError(`${path} can't be sent: it is ${refusal.what}. ${refusal.remedy}`, { path })
  }

  #overLimit(why: string, remedy: string): never {
    const path = this.#path()
    throw new EncodeError(`${path} can't be sent: ${why}. ${remedy}`, { path })
  }

  /** The way to the part that is being looked at. */
  #path(): string {
    const steps = this.#frames.map(({ open, next }) => (next === 0 ? '' : open.step(next - 1)))
    return shortenPath(this.#rootPath + steps.join(''))
  }
}

const ownData: Refusal = {
  what: 'part of the data that its own `encode` returned, and could not be made of it',
  remedy: 'Leave the instance itself out of that data.',
}

/** What a getter threw, in brackets. It may be anything, and its message may be a getter that throws. */
function whyOf(error: unknown): string {
  try {
    return error instanceof Error ? ` (${error.message})` : ''
  } catch {
    return ''
  }
}
