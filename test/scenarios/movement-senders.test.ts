import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cases } from '../fixtures/movement/shipped/cases.mjs'
import { useLeakCheck } from '../support/leak-check.ts'

useLeakCheck('file')

const folder = join(import.meta.dirname, '../fixtures/movement/shipped')
let made: string

beforeAll(() => {
  // Inside the package, so that `maltster` is found by its own name.
  made = mkdtempSync(join(import.meta.dirname, '../.shipped-'))
})

afterAll(() => {
  rmSync(made, { recursive: true, force: true })
})

function report(file: string, flags: readonly string[] = []): { count: number; found: string[] } {
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, file], {
    encoding: 'utf8',
    timeout: 60_000,
  })
  const line = stdout.trim().split('\n').at(-1) ?? ''
  if (!line.startsWith('{')) throw new Error(`no report from ${file}: ${stdout}${stderr}`)
  return JSON.parse(line) as { count: number; found: string[] }
}

async function bundled(format: 'esm' | 'cjs', minify = false): Promise<string> {
  const file = join(made, `bundle-${minify ? 'min' : 'max'}.${format === 'esm' ? 'mjs' : 'cjs'}`)
  const input = format === 'esm' ? 'sender.mjs' : 'sender-of-commonjs.mjs'
  const build = await rolldown({ input: join(folder, input), external: ['maltster'], platform: 'node' })
  await build.write({ file, format, minify, codeSplitting: false })
  await build.close()
  return file
}

const expected = { count: Object.keys(cases).length, found: [] }

/** The cases as TypeScript, in a folder of its own. */
function typedCopy(): string {
  const typed = mkdtempSync(join(made, 'typed-'))
  for (const name of ['cases.mjs', 'library.mjs', 'sender.mjs', 'typed-sender.ts']) {
    const text = readFileSync(join(folder, name), 'utf8').replaceAll(/(?<=from '\.\/\w+)\.mjs/g, '.ts')
    writeFileSync(join(typed, name.replace('.mjs', '.ts')), text)
  }
  return typed
}

test('functions of a plain ES module do there what they do here', () => {
  expect(report(join(folder, 'sender.mjs'))).toEqual(expected)
})

test('a key of a method that V8 keeps no value of is refused, not taken for another variable of that name', () => {
  expect(report(join(folder, 'computed-keys.mjs'))).toEqual({
    count: 2,
    found: ['fn → Keyed → key', 'constructor', 'inner'],
  })
})

test('functions of a bundle do there what they do here', async () => {
  expect(report(await bundled('esm'))).toEqual(expected)
})

test('functions of a minified bundle do there what they do here', async () => {
  expect(report(await bundled('esm', true))).toEqual(expected)
})

test('functions of a CommonJS module do there what they do here', async () => {
  expect(report(await bundled('cjs'))).toEqual(expected)
})

test('functions of TypeScript that tsx has transformed do there what they do here', () => {
  const typed = report(join(typedCopy(), 'typed-sender.ts'), ['--import', import.meta.resolve('tsx')])
  expect(typed).toEqual({ count: expected.count + 7, found: [] })
})

test('what is denied is found under any name that its module, or another, exports it by', () => {
  const file = join(import.meta.dirname, '../fixtures/movement/denied/main.ts')
  const why = (name: string, denied: string): string =>
    `${name} → ${name.split('.')[0]}: the policy \`capture\` denies \`${denied}\` (by ${denied}), which \`${name.split('.')[0]}\` leads to`
  expect(report(file, ['--import', import.meta.resolve('tsx')])).toEqual({
    key: why('key', 'apiKey'),
    harmless: why('harmless', 'password'),
    byDefault: why('byDefault', 'password'),
    'state.apiKey': why('state.apiKey', 'apiKey'),
    'state.harmless': why('state.harmless', 'password'),
    plain: why('plain', 'apiKey'),
    twice: why('twice', 'apiKey'),
    throughStar: why('throughStar', 'password'),
    separator: why('separator', 'sep'),
    // What is not denied goes.
    other: 1,
    'state.shown': 1,
    // All of it would.
    'all of state': 'all of state → state.apiKey: the policy `capture` denies `apiKey` (by apiKey)',
  })
})

// Where Node.js takes the types away by itself.
const strips = Boolean((process.features as { typescript?: unknown }).typescript)
const whereTypesAreStripped = strips ? test : () => {}

whereTypesAreStripped(
  'functions of TypeScript whose types Node.js has taken away do there what they do here',
  () => {
    expect(report(join(typedCopy(), 'sender.ts'))).toEqual(expected)
  },
)
