import { pathToFileURL } from 'node:url'

/** A script's place as a URL: V8 has URLs for ES modules and paths for CommonJS. */
export function moduleUrl(place: string): string | undefined {
  if (/^(?:file|data):/.test(place)) return place
  return place.startsWith('/') || /^[A-Za-z]:\\/.test(place) ? pathToFileURL(place).href : undefined
}
