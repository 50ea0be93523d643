import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where a build leaves the fingerprint of what it was made from. Not published. */
export const fingerprintFile = '.inputs.sha256'

const inputs = ['src', 'scripts', 'package.json', 'tsconfig.json']

/**
 * A fingerprint of everything that goes into `dist`, by content: a checkout or a touched file changes nothing.
 * @param {string} root
 */
export function inputFingerprint(root) {
  const hash = createHash('sha256')
  for (const input of inputs) {
    for (const file of filesUnder(root, input)) {
      hash
        .update(`${file}\0`)
        .update(readFileSync(join(root, file)))
        .update('\0')
    }
  }
  return hash.digest('hex')
}

/**
 * Whether `dist` was made from what is there now.
 * @param {string} root
 */
export function isFresh(root) {
  const file = join(root, 'dist', fingerprintFile)
  return existsSync(file) && readFileSync(file, 'utf8') === inputFingerprint(root)
}

/**
 * @param {string} root
 * @param {string} path
 * @returns {string[]}
 */
function filesUnder(root, path) {
  const entries = readdirSync(join(root, path, '..'), { withFileTypes: true })
  const own = entries.find((entry) => entry.name === path.split('/').at(-1))
  if (own === undefined) return []
  if (own.isFile()) return [path]
  return readdirSync(join(root, path))
    .toSorted()
    .flatMap((name) => filesUnder(root, `${path}/${name}`))
}
