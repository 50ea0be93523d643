const identifier = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u
const longestKey = 80
const longestPath = 400

/** The step from an object to its property: `.name`, or `["odd key"]`. */
export function propertyStep(key: string): string {
  if (identifier.test(key)) return `.${key}`
  return `[${quote(key)}]`
}

/** The step from a map to the value under `key`, number `index` in the map. */
export function mapValueStep(key: unknown, index: number): string {
  if (typeof key === 'string') return `.get(${quote(key)})`
  if (typeof key === 'number' || typeof key === 'boolean') return `.get(${key})`
  return `.values()[${index}]`
}

/** Keeps the two ends of a path that is too long to read. */
export function shortenPath(path: string): string {
  if (path.length <= longestPath) return path
  return `${path.slice(0, longestPath / 2)} … ${path.slice(-longestPath / 2)}`
}

function quote(key: string): string {
  return JSON.stringify(key.length > longestKey ? `${key.slice(0, longestKey)}…` : key)
}
