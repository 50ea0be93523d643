import { inspect } from 'node:util'

/** A wrong argument as words for a message: `"./tasks.js"` (string), `3` (number), `null`. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return `\`${value}\``
  if (typeof value === 'string') return `\`${JSON.stringify(value)}\` (string)`
  if (typeof value === 'function') return `\`${value.name || 'anonymous'}\` (function)`
  if (typeof value === 'object') return Array.isArray(value) ? 'an array' : 'an object'
  return `\`${inspect(value)}\` (${typeof value})`
}
