import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join } from 'node:path'
import { rolldown } from 'rolldown'

/** @typedef {{ code: string, moduleIds: string[] }} Bundle */

/**
 * What runs inside the worker process, as one CommonJS file: it has to boot fast, must not depend on what is
 * installed beside it, and carries as text the bundles of the sentinel, for `new Worker(text, { eval: true })`, and of
 * what few workers need: the session, and the relay.
 * @param {string} root
 * @param {string} dist
 * @returns {Promise<string[]>} ids of the bundled modules
 */
export async function bundleChild(root, dist) {
  const dense = (/** @type {string} */ file) => bundle(join(root, file), 'cjs', [], undefined, true)
  const sentinel = await dense('src/child/sentinel.ts')
  const session = await dense('src/movement/session/session.ts')
  const relay = await dense('src/child/relay.ts')
  const texts = { session: session.code, relay: relay.code }
  const plugins = [
    textOf(root, 'sentinel', sentinel.code),
    ...Object.keys(texts).map((name) => textInComment(root, name)),
  ]
  const main = await bundle(join(root, 'src/child/main.ts'), 'cjs', plugins, undefined, true)
  const comments = Object.entries(texts).map(([name, code]) => commentWith(name, code))
  writeFileSync(join(dist, 'child/main.cjs'), ascii(withOwnGlobals(root, main.code, comments.join(''))))
  return [sentinel, session, relay, main].flatMap(({ moduleIds }) => moduleIds)
}

/**
 * Has the code use globals of its own: user code shares its realm, and may replace the others.
 * @param {string} root
 * @param {string} code
 * @param {string} beside - functions that it may call
 */
function withOwnGlobals(root, code, beside) {
  const file = join(root, 'src/child/own-globals.ts')
  const [, names] = /ownGlobals = \{([^}]*)\}/.exec(readFileSync(file, 'utf8')) ?? []
  if (names === undefined) throw new Error(`expected an object \`ownGlobals\` in ${file}`)
  const list = names.split(',').map((name) => name.trim())
  return `{const{${list.filter((name) => name !== '').join(',')}}=globalThis;${beside}(()=>{${code}\n})()}\n`
}

/**
 * Puts a private copy of msgpackr into the one module that imports it. msgpackr keeps its encode slab and its
 * extensions in module globals, so a copy shared with the user's own msgpackr would be changed by it.
 * @param {string} dist
 * @returns {Promise<string[]>} ids of the bundled modules
 */
export async function inlineMsgpackr(dist) {
  const file = join(dist, 'transport/codec/msgpackr.js')
  if (!existsSync(file))
    throw new Error('expected src/transport/codec/msgpackr.ts, the only importer of msgpackr')
  const inlined = await bundle(file, 'esm', [], (id, importer) => id.startsWith('.') && importer === file)
  writeFileSync(file, inlined.code)
  rmSync(`${file}.map`, { force: true })
  return inlined.moduleIds
}

/**
 * @param {string} input
 * @param {'cjs' | 'esm'} format
 * @param {import('rolldown').Plugin[]} plugins
 * @param {(id: string, importer: string | undefined) => boolean} external - what stays an import, besides Node's own
 * @param {boolean} isDense - without the white space that only a reader needs
 * @returns {Promise<Bundle>}
 */
async function bundle(input, format, plugins, external = () => false, isDense = false) {
  const build = await rolldown({
    input,
    platform: 'node',
    transform: { target: 'node20' },
    external: (id, importer) => isBuiltin(id) || external(id, importer),
    experimental: { attachDebugInfo: 'none' },
    plugins,
    onLog(level, log) {
      if (level !== 'debug') throw new Error(`${input}: ${log.message}`)
    },
  })
  try {
    const { output } = await build.generate({
      format,
      comments: false,
      codeSplitting: false,
      keepNames: true,
      ...(isDense ? { minify: { compress: false, mangle: true, codegen: { removeWhitespace: true } } } : {}),
    })
    const [chunk, ...others] = output
    if (others.length > 0)
      throw new Error(`${input} became more than one file: ${others.map((file) => file.fileName).join(', ')}`)
    return { code: chunk.code, moduleIds: chunk.moduleIds }
  } finally {
    await build.close()
  }
}

/**
 * Stands in for `src/child/NAME-source.ts`, which is empty where it is imported unbundled.
 * @param {string} root
 * @param {string} name
 * @param {string} code
 * @returns {import('rolldown').Plugin}
 */
function textOf(root, name, code) {
  const target = join(root, `src/child/${name}-source.ts`)
  const literal = code.replaceAll(/[\\`]|\$\{/g, String.raw`\$&`)
  return {
    name: `${name}-source`,
    load: (id) => (id === target ? `export const ${name}Source = \`${literal}\`` : null),
  }
}

/** Stands for the end of a comment, in one. */
const endMark = '*@/'

/**
 * A function with text in a comment, which `textInComment` finds: of all that a file can hold V8 is quickest to pass over
 * that, and it keeps the text of each function.
 * @param {string} name
 * @param {string} code
 */
function commentWith(name, code) {
  if (code.includes(endMark)) throw new Error(`the bundled ${name} has ${endMark} in it: choose another mark`)
  return `function ${name}Text(){/*${code.replaceAll('*/', endMark)}*/}`
}

/**
 * Stands in for `src/child/NAME-source.ts` where the text is beside the code, as `commentWith` has put it there.
 * @param {string} root
 * @param {string} name
 * @returns {import('rolldown').Plugin}
 */
function textInComment(root, name) {
  const target = join(root, `src/child/${name}-source.ts`)
  const source = `const { toString } = Function.prototype
    export function ${name}Source() {
      const text = Reflect.apply(toString, ${name}Text, [])
      return text.slice(text.indexOf('/*') + 2, text.lastIndexOf('*/')).replaceAll('${endMark}', '*/')
    }`
  return { name: `${name}-source`, load: (id) => (id === target ? source : null) }
}

/**
 * With escapes for all that is not ASCII, which is in strings and regular expressions only: of the others V8 needs two
 * bytes for every character of the file, and takes a third longer to read it.
 * @param {string} code
 */
function ascii(code) {
  return code.replaceAll(
    /[^\0-\x7f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/**
 * The licences of the packages whose code is inside the bundles, as their terms ask for.
 * @param {string} dist
 * @param {string[]} moduleIds
 */
export function writeLicences(dist, moduleIds) {
  const folders = new Set(moduleIds.map(packageFolder).filter((folder) => folder !== undefined))
  const texts = [...folders].toSorted().map((folder) => {
    const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    return `${name} ${version}\n\n${readFileSync(join(folder, 'LICENSE'), 'utf8').trim()}\n`
  })
  writeFileSync(join(dist, 'third-party-licences.txt'), texts.join(`\n${'-'.repeat(40)}\n\n`))
}

/** @param {string} moduleId */
function packageFolder(moduleId) {
  if (!moduleId.includes('/node_modules/') && !moduleId.includes('\\node_modules\\')) return undefined
  let folder = dirname(moduleId)
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder)
  return folder
}
