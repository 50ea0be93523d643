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
  const sentinel = await bundle(join(root, 'src/child/sentinel.ts'), 'cjs', [])
  const session = await bundle(join(root, 'src/movement/session/session.ts'), 'cjs', [], undefined, true)
  const relay = await bundle(join(root, 'src/child/relay.ts'), 'cjs', [], undefined, true)
  const main = await bundle(join(root, 'src/child/main.ts'), 'cjs', [
    textOf(root, 'sentinel', sentinel.code),
    textOf(root, 'session', session.code),
    textOf(root, 'relay', relay.code),
  ])
  writeFileSync(join(dist, 'child/main.cjs'), withOwnGlobals(root, main.code))
  return [sentinel, session, relay, main].flatMap(({ moduleIds }) => moduleIds)
}

/**
 * Has the code use globals of its own: user code shares its realm, and may replace the others.
 * @param {string} root
 * @param {string} code
 */
function withOwnGlobals(root, code) {
  const file = join(root, 'src/child/own-globals.ts')
  const [, names] = /ownGlobals = \{([^}]*)\}/.exec(readFileSync(file, 'utf8')) ?? []
  if (names === undefined) throw new Error(`expected an object \`ownGlobals\` in ${file}`)
  const list = names.split(',').map((name) => name.trim())
  return `{const{${list.filter((name) => name !== '').join(',')}}=globalThis;(()=>{${code}\n})()}\n`
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
