import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { spawnWorker } from 'maltster'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import byDefault, { k as renamed } from '../fixtures/movement/names/state.ts'
import * as state from '../fixtures/movement/names/state.ts'
import { useLeakCheck } from '../support/leak-check.ts'
import { report } from './program-report.ts'

useLeakCheck('file')

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/movement/names/${name}`, import.meta.url))

test('a variable that is given a value more than once is read each time', () => {
  const found = report(fixture('written-again.cjs')) as Record<string, [here: unknown, there: unknown][]>
  expect(Object.fromEntries(Object.entries(found).map(([name, pairs]) => [name, pairs.length]))).toEqual({
    for: 3,
    while: 2,
    'a function': 2,
    'declared twice': 2,
    arguments: 2,
    'evaluated text': 2,
    'another script': 2,
  })
  for (const [name, pairs] of Object.entries(found)) {
    expect(new Set(pairs.map(([here]) => here)).size, name).toBe(pairs.length)
    for (const [here, there] of pairs) expect(there, name).toBe(here)
  }
})

test('the `module` of CommonJS is that of the program, and not one of the worker', () => {
  const refused = 'CaptureError: it stands for a CommonJS module of this process, with all that it has loaded'
  expect(report(fixture('of-commonjs.cjs'))).toEqual({
    exports: 5,
    'module.exports': refused,
    'the same': refused,
    filename: refused,
    'require.main': refused,
    'module.require': refused,
  })
})

const tsx = ['--import', import.meta.resolve('tsx')]

interface Uses {
  readonly found: Readonly<Record<string, readonly [here: unknown, there: unknown]>>
  readonly changed: readonly number[]
  readonly names: readonly (readonly string[])[]
  readonly refused: string
  readonly allowed: number
}

describe('the namespace of a module that goes by value', () => {
  let folder: string

  beforeAll(() => {
    // Inside the package, so that `maltster` is found by its own name.
    folder = mkdtempSync(join(import.meta.dirname, '../.names-'))
    for (const name of ['namespace', 'state']) {
      const text = readFileSync(fixture(`${name}.ts`), 'utf8').replaceAll("./state.ts'", "./state.cts'")
      writeFileSync(join(folder, `${name}.cts`), text)
    }
  })

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true })
  })

  test.each(['ES modules', 'CommonJS'])('is there what it is here: %s', (what) => {
    const file = what === 'CommonJS' ? join(folder, 'namespace.cts') : fixture('namespace.ts')
    const { found, changed, names, refused, allowed } = report(file, tsx) as Uses
    expect(Object.keys(found)).toHaveLength(26)
    for (const [name, [here, there]] of Object.entries(found)) expect(there, name).toEqual(here)
    // A variable of a module that somebody changes; `other` is a copy of its own.
    expect([changed[0], changed[1], changed[3]]).toEqual([4, 4, 4])
    // What goes depends on this function only, and not on what others, or its strings, say.
    expect(names[1]).toEqual(names[0])
    expect(names[2]).toEqual(names[0]!.map((name) => (name === 'only' ? 'text' : name)))
    expect(refused).toContain(".config can't be sent: the policy `capture` denies `config`")
    expect(allowed).toBe(3)
  })
})

describe('a denied variable is found by its name', () => {
  test('where Vite made the modules', async () => {
    const worker = await spawnWorker({ capture: { deny: ['password'] } })
    const uses: (() => unknown)[] = [() => renamed, () => state.k, () => byDefault, () => Object.keys(state)]
    for (const fn of uses) {
      await expect(worker.call(fn)).rejects.toThrow('denies `password`')
    }
    expect(await worker.call(() => state.count)).toBe(1)
    await worker.stop()
  })

  test('where a bundler copied it to be a default export', async () => {
    const password = ['p-123'].join('')
    const state_default = password
    const worker = await spawnWorker({ capture: { deny: ['password'] } })
    await expect(worker.call(() => state_default)).rejects.toThrow('denies `password`')
    await worker.stop()
  })
})

test('while a module is being loaded there, calls run in their order, each with the values of its moment', () => {
  expect(report(fixture('loading.mjs'))).toEqual({
    answers: [[true, 1], 1, [true, 2], 2, [true, 3], 3],
    // What the worker assigned is what it has, until the value here changes, or it is deleted there.
    found: [[true, 5], true, 7, [true, 6], true, [true, 6]],
    cut: [[true, 1], 'InterruptedError', 'InterruptedError', [true, 2]],
  })
})

test('what has no value yet is refused, and goes when it has one; undefined is one, too', () => {
  const notYet = (name: string): string => `\`${name}\` has not been given its value yet`
  expect(report(fixture('too-early.mjs'))).toEqual({
    constant: [notYet('constant'), notYet('constant'), 5],
    variable: [notYet('variable'), 1],
    bare: [notYet('bare'), 'undefined', 3],
    captured: [notYet('later'), 7],
    nothing: ['undefined', 'undefined'],
    inside: ['undefined', 2],
    later: ['undefined'],
  })
})

test('the worker imports JSON as its module does, with import attributes', () => {
  expect(report(fixture('attributes.mjs'))).toEqual([[1, 2, 2, true], 'reference'])
})

test('what a package, or a name of its own, gives goes by value if it is TypeScript, as the variable that it is', () => {
  const folder = mkdtempSync(join(tmpdir(), 'maltster-names-'))
  const files: Readonly<Record<string, string>> = {
    'package.json': JSON.stringify({
      name: 'me',
      type: 'module',
      imports: { '#counter': './counter.ts', '#plain': './plain.mjs' },
      exports: { './self': { require: './none.cjs', import: './counter.ts' } },
    }),
    'tsconfig.json': JSON.stringify({ compilerOptions: { paths: { '@/*': ['./*'] } } }),
    'counter.ts': 'export let count: number = 0\nexport const increment = (): number => ++count',
    'plain.mjs': 'export const plain = import.meta.url',
    'node_modules/@org/typed/package.json': '{ "name": "@org/typed", "exports": { "import": "./index.ts" } }',
    'node_modules/@org/typed/index.ts': 'const secret: string = "s"; export { secret as typed }',
    'main.ts': `import { count, increment } from '#counter'
import { count as ofSelf } from 'me/self'
import { plain } from '#plain'
import { typed } from '@org/typed'
import { increment as byPath } from '@/counter.ts'
const { spawnWorker } = await import('${import.meta.resolve('maltster')}')
const worker = await spawnWorker()
const answers = await worker.call(() => [increment(), count, ofSelf, typed, plain.endsWith('/plain.mjs'), byPath()])
const denied = await worker.call(() => typed, [], { capture: { deny: ['secret'] } }).catch(({ why }: Error & { why: string }) => why)
const { action } = worker.explain(() => plain).entries.find(({ name }: { name: string }) => name === 'plain')
console.log(JSON.stringify([answers, denied.includes('denies \`secret\`'), action]))
await worker.stop()`,
  }
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(folder, dirname(name)), { recursive: true })
      writeFileSync(join(folder, name), text)
    }
    expect(report(join(folder, 'main.ts'), tsx)).toEqual([[1, 1, 1, 's', true, 2], true, 'reference'])
  } finally {
    rmSync(folder, { recursive: true })
  }
})
