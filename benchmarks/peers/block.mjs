// The large binary of the benchmark, marked so that each copy of it can be told from the one before.

/** @param {number} byteLength */
export const makeBlock = (byteLength) => new Uint8Array(byteLength).fill(7)

/**
 * A number that depends on the length of a block and on bytes at its beginning, middle and end.
 * @param {Uint8Array} block
 */
export function checksum(block) {
  const { length } = block
  return length + (block[0] ?? 0) * 3 + (block[length >> 1] ?? 0) * 5 + (block[length - 1] ?? 0)
}

/**
 * @param {Uint8Array} block
 * @param {number} mark - 0 to 255
 */
export function markBlock(block, mark) {
  block[0] = mark
  block[block.length >> 1] = mark
  block[block.length - 1] = 255 - mark
  return block
}
