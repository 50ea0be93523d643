/**
 * The value below which a share of the samples lies.
 * @param {readonly number[]} samples - at least one
 * @param {number} share - 0 to 1
 */
export function quantile(samples, share) {
  const sorted = samples.toSorted((a, b) => a - b)
  const at = Math.min(sorted.length - 1, Math.floor(sorted.length * share))
  return /** @type {number} */ (sorted[at])
}

/**
 * The middle one; of an even number the mean of the two in the middle.
 * @param {readonly number[]} samples - at least one
 */
export function median(samples) {
  const sorted = samples.toSorted((a, b) => a - b)
  const upper = /** @type {number} */ (sorted[sorted.length >> 1])
  return sorted.length % 2 === 1 ? upper : (upper + /** @type {number} */ (sorted[sorted.length / 2 - 1])) / 2
}
