/** @param {number} value */
export const number = (value) => value.toLocaleString('en')

/**
 * @param {number} value
 * @param {string} thing
 */
export const counted = (value, thing) =>
  `${number(value)} ${thing}${value === 1 ? '' : thing.endsWith('h') ? 'es' : 's'}`

/** @param {number} ms */
export const seconds = (ms) => `${(ms / 1000).toFixed(2)} s`
