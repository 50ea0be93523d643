import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { spawnWorker } from 'maltster'
import { expect, test } from 'vitest'
import { calls } from '../fixtures/movement/imported/calls.ts'
import { expected } from '../fixtures/movement/imported/expected.ts'
import { useLeakCheck } from '../support/leak-check.ts'
import { report } from './program-report.ts'

useLeakCheck('file')

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/movement/imported/${name}`, import.meta.url))

test('what TypeScript imports is the variable of the module that exports it', () => {
  expect(report(fixture('sender.ts'), ['--import', import.meta.resolve('tsx')])).toEqual(expected)
})

// What Vite makes of default exports, and of exports of another module, hides the variable: those are copies.
test.each(['named', 'class', 'namespace'])('so it is where Vite made the modules: %s', async (name) => {
  const worker = await spawnWorker()
  expect(await worker.call(calls[name]!)).toEqual(expected[name])
  await worker.stop()
})

test('what imports the program itself goes by value, so that the program runs once', () => {
  const folder = mkdtempSync(join(tmpdir(), 'maltster-circular-'))
  const runs = join(folder, 'runs')
  expect(report(fixture('../circular/main.mjs'), [], [runs])).toEqual([1, 1, 0])
  expect(readFileSync(runs, 'utf8').trim().split('\n')).toHaveLength(1)
  rmSync(folder, { recursive: true })
})

test('a class keeps a base that no name stands for', () => {
  const found = report(fixture('../bases.mjs')) as [unknown, unknown][]
  expect(found).toHaveLength(6)
  for (const [there, here] of found) expect(there).toEqual(here)
})

test('`using`, as a compiler writes it for older versions of Node.js, asks there which globals there are', () => {
  const found = report(fixture('../using.ts'), ['--import', import.meta.resolve('tsx')])
  expect(found).toEqual(['3,disposed', '3,disposed'])
})
