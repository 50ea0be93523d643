import type { Limits } from '../limits.ts'
import { binaryTypes } from './binary-types.ts'
import { failDecode } from './decode-failure.ts'
import { maxLiveText, maxSpecialText, nodeKind } from './node-kinds.ts'
import { maxClassName } from './registered-classes.ts'

export type Row = readonly unknown[]

/**
 * Checks what msgpackr unpacked as a node table, before anything is rebuilt from it: the shape of each row, each
 * reference, that all rows belong to the value, and that the value is within the limits when it is unfolded, so
 * that nobody hangs who walks it. Linear, without recursion.
 * @throws {DecodeError}
 */
export function checkTable(
  table: unknown,
  attachments: readonly ArrayBuffer[],
  limits: Limits,
): readonly Row[] {
  if (!Array.isArray(table) || table.length === 0) failDecode('table')
  const check = new TableCheck(table as readonly Row[], attachments, limits)
  check.rows()
  check.graph()
  return table as readonly Row[]
}

/** Where the slots of a row are: from `first` on, each `stride`-th. What stands between them are keys. */
export interface Layout {
  readonly first: number
  readonly stride: 1 | 2
}

const leaf: Layout = { first: Infinity, stride: 1 }

/** By kind of row. */
export const layouts: readonly Layout[] = Object.values(nodeKind).map(layoutOf)

function layoutOf(kind: number): Layout {
  switch (kind) {
    case nodeKind.value:
    case nodeKind.array:
    case nodeKind.map:
    case nodeKind.set:
      return { first: 1, stride: 1 }
    case nodeKind.object:
    case nodeKind.nullObject:
      return { first: 2, stride: 2 }
    case nodeKind.instance:
      return { first: 2, stride: 1 }
    case nodeKind.sparseArray:
      return { first: 3, stride: 2 }
    case nodeKind.error:
      return { first: 5, stride: 2 }
    default:
      return leaf
  }
}

const bigintText = /^-?[0-9a-f]+$/
const open = -1

class TableCheck {
  readonly #rows: readonly Row[]
  readonly #attachments: readonly ArrayBuffer[]
  readonly #limits: Limits
  readonly #used: Uint8Array
  #usedCount = 0
  /** By row: its items, unfolded, once they are known; 0 before, `open` in between. */
  readonly #sizes: Float64Array
  readonly #heights: Float64Array
  readonly #path: number[] = []
  readonly #nextSlots: number[] = []

  constructor(rows: readonly Row[], attachments: readonly ArrayBuffer[], limits: Limits) {
    this.#rows = rows
    this.#attachments = attachments
    this.#limits = limits
    this.#used = new Uint8Array(attachments.length)
    this.#sizes = new Float64Array(rows.length)
    this.#heights = new Float64Array(rows.length)
  }

  /** Each row by itself. */
  rows(): void {
    for (let i = 0; i < this.#rows.length; i++) {
      const row = this.#rows[i]
      if (!Array.isArray(row)) failDecode('table')
      const layout = typeof row[0] === 'number' ? layouts[row[0]] : undefined
      if (layout === undefined || (row[0] === nodeKind.value && i > 0)) failDecode('kind')
      this.#checkShape(row)
      for (let slot = layout.first; slot < row.length; slot += layout.stride) this.#checkSlot(row[slot])
    }
    if (this.#usedCount !== this.#attachments.length) failDecode('attachment')
  }

  #checkShape(row: Row): void {
    switch (row[0]) {
      case nodeKind.value:
        return expect(row.length === 2)
      case nodeKind.sparseArray:
        return checkSparse(row)
      case nodeKind.object:
      case nodeKind.nullObject:
        return checkKeys(row, 1)
      case nodeKind.map:
        return expect(row.length % 2 === 1)
      case nodeKind.date:
        return expect(row.length === 2 && typeof row[1] === 'number')
      case nodeKind.regExp:
        expect(row.length === 3 && isKey(row[1]) && typeof row[2] === 'string')
        if ((row[1] as string | Uint8Array).length > maxSpecialText * 2) failDecode('regular-expression')
        return
      case nodeKind.error:
        expect(row.length >= 4)
        for (let i = 1; i < 4; i++) expect(row[i] === undefined || isKey(row[i]))
        return checkKeys(row, 4)
      case nodeKind.boxed:
        expect(row.length === 2)
        return this.#checkBoxed(row[1])
      case nodeKind.url:
        expect(row.length === 2 && typeof row[1] === 'string')
        if ((row[1] as string).length > maxSpecialText) failDecode('url')
        return
      case nodeKind.binary:
        return this.#checkBinary(row)
      case nodeKind.instance:
        return expect(row.length === 3 && typeof row[1] === 'string' && row[1].length <= maxClassName)
      case nodeKind.live:
        return checkLive(row)
    }
  }

  #checkBoxed(slot: unknown): void {
    this.#checkSlot(slot)
    expect(slot !== null && slot !== undefined && !(Array.isArray(slot) && typeof slot[0] === 'number'))
  }

  #checkBinary(row: Row): void {
    expect(row.length === 3)
    const [, type, content] = row
    const binaryType = typeof type === 'number' ? binaryTypes[type] : undefined
    if (binaryType === undefined) failDecode('kind')
    let byteLength: number
    if (typeof content === 'number') {
      const memory = this.#attachments[content]
      if (memory === undefined || this.#used[content] === 1) failDecode('attachment')
      this.#used[content] = 1
      this.#usedCount++
      byteLength = memory.byteLength
    } else {
      if (!(content instanceof Uint8Array)) failDecode('row')
      byteLength = content.byteLength
    }
    if (byteLength % binaryType.bytesPerElement !== 0) failDecode('binary-length')
  }

  #checkSlot(slot: unknown): void {
    if (typeof slot !== 'object' || slot === null) return
    if (!Array.isArray(slot)) return isKey(slot) ? undefined : failDecode('slot')
    if (slot.length === 0) return
    const [content] = slot as unknown[]
    if (slot.length > 1) failDecode('slot')
    if (typeof content === 'number') {
      if (!Number.isInteger(content) || content < 0 || content >= this.#rows.length) failDecode('reference')
    } else {
      if (typeof content !== 'string') failDecode('slot')
      if (content.length > maxSpecialText || !bigintText.test(content)) failDecode('bigint')
    }
  }

  /** The rows together: a depth-first walk from the root, each row once. */
  graph(): void {
    let met = 1
    this.#enter(0)
    while (this.#path.length > 0) {
      const top = this.#path.length - 1
      const index = this.#path[top]!
      const row = this.#rows[index]!
      const at = this.#nextSlots[top]!
      if (at >= row.length) {
        this.#path.pop()
        this.#nextSlots.pop()
        this.#sizes[index] = -this.#sizes[index]!
        this.#addToParent(index)
        continue
      }
      this.#nextSlots[top] = at + layouts[row[0] as number]!.stride
      const slot = row[at]
      if (!Array.isArray(slot) || typeof slot[0] !== 'number') this.#addItems(index, 1)
      else if (this.#sizes[slot[0]] === 0) {
        met++
        this.#enter(slot[0])
      } else {
        // What is still open holds the row that refers to it.
        const isOwn = this.#sizes[slot[0]]! < 0 && this.#rows[slot[0]]![0] === nodeKind.instance
        if (isOwn) failDecode('instance-cycle')
        this.#addToParent(slot[0])
      }
    }
    if (met !== this.#rows.length) failDecode('unused-row')
  }

  /** While a row is open its size is kept negative, which tells a cycle from a shared object. */
  #enter(index: number): void {
    const row = this.#rows[index]!
    const layout = layouts[row[0] as number]!
    if (layout === leaf) {
      this.#sizes[index] = 1
      this.#addToParent(index)
      return
    }
    if (this.#path.length === this.#limits.maxDepth && row[0] !== nodeKind.value) failDecode('too-deep')
    this.#sizes[index] = open
    if (row[0] === nodeKind.sparseArray) {
      this.#addItems(index, (row[1] as number) - (row.length - 2) / 2)
    }
    this.#heights[index] = 1
    this.#path.push(index)
    this.#nextSlots.push(layout.first)
  }

  /** Adds what row `index` holds to the row that refers to it, which is the last on the path. */
  #addToParent(index: number): void {
    if (this.#path.length === 0) return
    const parent = this.#path.at(-1)!
    const size = this.#sizes[index]!
    this.#addItems(parent, size > 0 ? size : 1)
    if (size < 0) return
    const height = this.#heights[index]!
    if (this.#path.length + height > this.#limits.maxDepth) failDecode('too-deep')
    if (height >= this.#heights[parent]!) this.#heights[parent] = height + 1
  }

  #addItems(index: number, count: number): void {
    this.#sizes[index]! -= count
    if (-this.#sizes[index]! > this.#limits.maxItems) failDecode('too-many-items')
  }
}

function expect(good: boolean): void {
  if (!good) failDecode('row')
}

/** Text, or the bytes of a text that has no UTF-8 form. */
function isKey(value: unknown): boolean {
  return typeof value === 'string' || (value instanceof Uint8Array && value.byteLength % 2 === 0)
}

/** Keys and slots in turn after `header` places. */
function checkKeys(row: Row, header: number): void {
  expect((row.length - header) % 2 === 0)
  for (let i = header; i < row.length; i += 2) if (!isKey(row[i])) failDecode('key')
}

function checkLive(row: Row): void {
  const [, kind, number, data] = row
  expect(
    row.length === 4 && typeof kind === 'number' && typeof number === 'number' && number >>> 0 === number,
  )
  if (typeof data === 'string') expect(data.length <= maxLiveText)
  else expect(data === null || typeof data === 'number' || typeof data === 'boolean')
}

function checkSparse(row: Row): void {
  expect(row.length % 2 === 0)
  const length = row[1]
  expect(typeof length === 'number' && length >>> 0 === length)
  let last = -1
  for (let i = 2; i < row.length; i += 2) {
    const index = row[i]
    expect(typeof index === 'number' && index >>> 0 === index && index > last && index < (length as number))
    last = index as number
  }
}
