/** What calls that belong together are given: those of one key go to one member. */
export type PoolKey = string | number

/** FNV-1a with a final mix: short, even, and the same in every process. */
function hash(text: string): number {
  let bits = 0x811c9dc5
  for (let at = 0; at < text.length; at++) bits = Math.imul(bits ^ text.charCodeAt(at), 0x01000193)
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}

/**
 * The slot that takes the calls of a key: the one of the highest hash with it. If slots are added or taken away at the
 * end, only the keys of those slots move. Source: Thaler and Ravishankar, rendezvous hashing.
 */
export function slotOfKey(key: PoolKey, slots: number): number {
  let best = 0
  let highest = -1
  for (let slot = 0; slot < slots; slot++) {
    const weight = hash(`${typeof key}:${key}/${slot}`)
    if (weight <= highest) continue
    highest = weight
    best = slot
  }
  return best
}
