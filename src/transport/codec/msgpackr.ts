import { Packr, RESERVE_START_SPACE, REUSE_BUFFER_MODE } from 'msgpackr/pack'
import { clearSource, Unpackr } from 'msgpackr/unpack'

/**
 * The only file that knows msgpackr. Both entries are the pure JavaScript ones, and the build bundles a private
 * copy of them into this file: the slab below is a module variable over there, shared by every user of a copy.
 */

/** What msgpackr returns in its reuse mode: its buffer, with the bounds of the last value, reserve included. */
export type Packed = Buffer & { start: number; end: number }

/** Bytes that msgpackr can leave free in front of a value; the length sits in the low byte of its mode word. */
export const maxReserve = 255

// msgpackr abandons a buffer with less room than this for one of the same size; a small one of our own is cheaper.
const leastRoom = 0x800 + 16
const ownBytes = 8192

const packr = new Packr({ useRecords: false, mapsAsObjects: true, moreTypes: true, useToJSON: false })
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true })

const scratch = Buffer.alloc(ownBytes)
let aimSlab: Buffer = scratch
let aimPosition = 0

function aim(): void {
  if (aimSlab.length - aimPosition < leastRoom) {
    packr.useBuffer(Buffer.allocUnsafeSlow(ownBytes))
    packr.position = 0
  } else {
    packr.useBuffer(aimSlab)
    packr.position = aimPosition
  }
}

const packAtOnce = packr.pack as (value: unknown, mode: number) => Packed

// msgpackr marks in a module variable that it is packing. If an execution is terminated right then, no `finally`
// runs and the mark stays for ever: from then on each pack takes msgpackr's road for nested packing, which puts
// the buffer aside, calls `packr.pack` and restores it. Aiming once more on that road keeps bytes in the slab.
packr.pack = (value: unknown, mode?: unknown) => {
  aim()
  return packAtOnce(value, mode as number)
}

let packs = 0
let packing = false

/**
 * Packs `value` behind `reserve` bytes (at most 255) from the next multiple of 8 after `position` on, or into
 * another buffer if it does not fit.
 *
 * A getter inside the value may itself encode something, in the midst of this. The inner one gets its bytes; the
 * outer one then writes to a scratch buffer and throws at the end, so that nothing of the inner one is overwritten.
 * A pack that was torn off looks just like an outer one, and costs the next ones only this precaution.
 */
export function packInto(value: unknown, slab: Buffer, position: number, reserve: number): Packed {
  const ticket = ++packs
  const inner = packing
  packing = true
  aimSlab = slab
  aimPosition = position
  let packed: Packed
  try {
    aim()
    packed = packAtOnce(value, REUSE_BUFFER_MODE | RESERVE_START_SPACE | reserve)
  } catch (error) {
    packing = inner
    packr.useBuffer(scratch)
    throw error
  }
  packing = inner
  aimSlab = scratch
  if (inner || packed !== slab) packr.useBuffer(scratch)
  if (ticket !== packs) throw new Error('another value was packed in the midst of this one')
  return packed
}

// Up to this offset msgpackr reads short strings and keys on its fast paths (its cache of keys among them), so a
// small body is moved to the front first: 25 ns against 150 for an object of four keys.
const nearBytes = 139
const near = Buffer.alloc(nearBytes + 5)
const nearView = new DataView(near.buffer, near.byteOffset, near.byteLength)
const bounds = { start: 0, end: 0 }
let unpacking = false

/** A buffer with the view that msgpackr, and `moveNear`, keep on it. */
type Viewed = Buffer & { dataView?: DataView }

function moveNear(buffer: Viewed, start: number, end: number): void {
  const view = (buffer.dataView ??= new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength))
  let to = 0
  let from = start
  for (; from + 4 <= end; from += 4, to += 4) nearView.setUint32(to, view.getUint32(from))
  for (; from < end; from++, to++) near[to] = buffer[from]!
}

/** Unpacks exactly the bytes `start` to `end`, which the pre-scan has found good. Binary in it are views of `buffer`. */
export function unpackFrom(buffer: Buffer, start: number, end: number): unknown {
  if (unpacking) recover()
  unpacking = true
  try {
    if (end > nearBytes && end - start <= nearBytes) {
      moveNear(buffer, start, end)
      bounds.start = 0
      bounds.end = end - start
      return unpackr.unpack(near, bounds)
    }
    bounds.start = start
    bounds.end = end
    return unpackr.unpack(buffer, bounds)
  } finally {
    unpacking = false
  }
}

/**
 * After an unpack that was torn off. msgpackr then still holds its source, and may hold a key in its cache whose
 * text was not yet filled in, which reads as `undefined` ever after (measured: one tear in 130). Keys of two, then of three bytes, reach
 * each of the 4096 places of the cache and push out whatever sits there.
 */
function recover(): void {
  clearSource()
  for (const length of [2, 3]) {
    const body = Buffer.alloc(3 + length, 0x61)
    body[0] = 0x81
    body[1] = 0xa0 | length
    body[2 + length] = 0xc0
    for (let place = 0; place < 4096; place++) {
      body.writeUInt16BE(place, 2)
      unpackr.unpack(body)
    }
  }
}
