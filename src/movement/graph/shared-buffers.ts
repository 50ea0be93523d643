import type { Parcel } from './parcel.ts'

type WithViews = Pick<Parcel, 'objects' | 'views'>

/** Buffers that several things lead to, so that who sends a view of one sends the buffer, and where in it that is. */
const shared = new WeakSet<ArrayBufferLike>()
let isAnyShared = false

/** Whether others refer to the memory that a view is of. */
export const isOfSharedBuffer = (view: ArrayBufferView): boolean => isAnyShared && shared.has(view.buffer)

/** Remembers buffers that several views show, or that go by themselves, too. Answers whether there was any new one. */
export function shareBuffers(parcels: readonly WithViews[]): boolean {
  const viewsOf = new Map<ArrayBufferLike, Set<ArrayBufferView>>()
  for (const { views } of parcels) {
    for (const view of views) {
      const known = viewsOf.get(view.buffer) ?? new Set()
      viewsOf.set(view.buffer, known.add(view))
    }
  }
  let isAnyNew = false
  for (const [buffer, views] of viewsOf) {
    if (shared.has(buffer) || !canTell(buffer)) continue
    const isItselfSent = parcels.some(({ objects }) => objects.has(buffer))
    if (!isItselfSent && (views.size === 1 || !cover(buffer, views))) continue
    shared.add(buffer)
    isAnyShared = true
    isAnyNew = true
  }
  return isAnyNew
}

/** Memory that processes can't share, and that a view may follow when it grows, is refused, or a copy, as ever. */
const canTell = (buffer: ArrayBufferLike): boolean =>
  buffer instanceof ArrayBuffer && (buffer as { resizable?: boolean }).resizable !== true

/**
 * Whether views show all of a buffer between them: nothing leaves then that would not have left anyway. Small Buffers are
 * cut from one piece of memory, which holds what others have put there.
 */
function cover({ byteLength: length }: ArrayBufferLike, views: ReadonlySet<ArrayBufferView>): boolean {
  const ordered = [...views].toSorted((one, other) => one.byteOffset - other.byteOffset)
  let end = 0
  for (const { byteOffset, byteLength } of ordered) {
    if (byteOffset > end) return false
    end = Math.max(end, byteOffset + byteLength)
  }
  return end === length
}
