import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { spawnWorker } from 'maltster'
import { expect, test } from 'vitest'
import { calls } from '../fixtures/movement/imported/calls.ts'
import { expected } from '../fixtures/movement/imported/expected.ts'
import { useLeakCheck } from '../support/leak-check.ts'

useLeakCheck('file')

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/movement/imported/${name}`, import.meta.url))

function report(file: string, flags: readonly string[] = []): unknown {
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, file], {
    encoding: 'utf8',
    timeout: 60_000,
  })
  const line = stdout.trim().split('\n').at(-1) ?? ''
  if (!/^[{[]/.test(line)) throw new Error(`no report from ${file}: ${stdout}${stderr}`)
  return JSON.parse(line)
}

test('what TypeScript imports is the variable of the module that exports it', () => {
  expect(report(fixture('sender.ts'), ['--import', import.meta.resolve('tsx')])).toEqual(expected)
})

// What Vite makes of default exports, and of exports of another module, hides the variable: those are copies.
test.each(['named', 'class', 'namespace'])('so it is where Vite made the modules: %s', async (name) => {
  const worker = await spawnWorker()
  expect(await worker.call(calls[name]!)).toEqual(expected[name])
  await worker.stop()
})
