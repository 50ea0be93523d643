import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { prepareFunction } from '../../src/movement/shipment.ts'
import { make } from '../fixtures/movement/make.ts'

// As in a worker: one bundled CommonJS file, in a process of its own, somewhere else than the current directory.
const fixtures = join(import.meta.dirname, '../fixtures/movement/exports')
let folder: string
let code: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'maltster-rebuild-'))
  const input = join(import.meta.dirname, '../../src/movement/rebuild.ts')
  const bundle = await rolldown({ input, platform: 'node', logLevel: 'silent' })
  const { output } = await bundle.generate({ format: 'cjs' })
  await bundle.close()
  code = output[0].code
  writeFileSync(join(folder, 'rebuild.cjs'), code)
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What a process that runs the script writes, to stdout and stderr. */
function inChild(script: string): string {
  const main = join(folder, 'main.cjs')
  writeFileSync(main, `const { rebuild } = require('./rebuild.cjs')\n${script}`)
  return execFileSync('/bin/sh', ['-c', '"$0" "$1" 2>&1', process.execPath, main], {
    cwd: fixtures,
    env: {},
    encoding: 'utf8',
  })
}

test('rebuild.ts brings nothing heavy into the worker', () => {
  expect(code).not.toContain('acorn')
  // The second one Node.js has loaded by itself.
  const required = [...code.matchAll(/require\("([^"]+)"\)/g)].map(([, name]) => name)
  expect(required).toEqual(['node:vm', 'node:util'])
})

test('import() resolves from the current directory, and nobody is warned', () => {
  const fn = make('async () => (await import("./tasks.mjs")).double(21)')
  const { definition } = prepareFunction(fn)
  const written = inChild(`rebuild(${JSON.stringify(definition)})([])().then(console.log)`)
  expect(written).toBe('42\n')
})

test('a module by its package name or URL is loaded without a warning either', () => {
  const written = inChild(
    "rebuild({ kind: 'module', module: 'node:path', export: 'basename' }).then((f) => console.log(f([])('/a/b')))",
  )
  expect(written).toBe('b\n')
})

test('warnings of the user are still heard', () => {
  const fn = make('async () => { await import("node:fs"); process.emitWarning("heard") }')
  const written = inChild(`rebuild(${JSON.stringify(prepareFunction(fn).definition)})([])()`)
  expect(written).toContain('Warning: heard')
})
