// Writes the machines to `diagrams/` as Mermaid and as JSON. `node scripts/diagrams.mjs [--check]`, after a build.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { machineModel, mermaid } from './machine-model.mjs'

/**
 * The content of every generated file, by its path below the root.
 * @param {string} root
 * @returns {Promise<Map<string, string>>}
 */
export async function diagrams(root) {
  /** @param {string} path */
  const load = (path) => import(pathToFileURL(join(root, path)).href)
  const { workerMachine } = await load('dist/actors/worker-machine.js')
  const { supervisorMachine } = await load('dist/supervisor/tree/supervisor-machine.js')
  const files = new Map()
  for (const machine of [workerMachine, supervisorMachine]) {
    const model = machineModel(machine)
    files.set(`diagrams/${machine.id}.mmd`, mermaid(model))
    files.set(`diagrams/${machine.id}.json`, `${JSON.stringify(model, null, 2)}\n`)
  }
  return files
}

/**
 * The generated files that are not what the machines say now.
 * @param {string} root
 */
export async function staleDiagrams(root) {
  const files = await diagrams(root)
  return [...files].filter(([path, text]) => {
    const file = join(root, path)
    return !existsSync(file) || readFileSync(file, 'utf8') !== text
  })
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
  const stale = await staleDiagrams(root)
  if (process.argv.includes('--check')) {
    console.log(
      stale.length === 0
        ? 'diagrams are fresh'
        : `stale: ${stale.map(([path]) => path).join(', ')}; run \`npm run diagrams\``,
    )
    process.exitCode = stale.length === 0 ? 0 : 1
  } else {
    for (const [path, text] of stale) writeFileSync(join(root, path), text)
    console.log(`wrote ${stale.length} of ${(await diagrams(root)).size} files, the others were fresh`)
  }
}
