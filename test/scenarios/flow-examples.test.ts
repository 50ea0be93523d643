import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { root } from '../rules/temporary-tree.ts'
import { useLeakCheck } from '../support/leak-check.ts'

useLeakCheck()

async function outputOf(example: string, ...args: string[]): Promise<string[]> {
  const program = join(root, 'examples', example, 'main.mjs')
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [program, ...args])
  expect(stderr).toBe('')
  return stdout.trimEnd().split('\n')
}

test('the example with a progress bar shows each step, and stops when it is told to', async () => {
  const lines = await outputOf('04-progress-bar', '--to', '10000')
  const shares = lines.flatMap((line) => /^\[#*\.*\] +(\d+) %$/.exec(line)?.[1] ?? [])
  expect(shares.map(Number)).toEqual([10, 20, 30, 40, 50, 60, 70, 80, 90, 100])
  expect(lines.slice(-2)).toEqual([
    '1229 primes up to 10000',
    '669 primes up to 5000, where it was told to stop',
  ])
}, 60_000)

test('the example that follows logs shows the lines that matter, in the order of each file', async () => {
  const lines = await outputOf('05-log-tail')
  expect(lines.at(-1)).toBe('90 lines were fine')
  for (const file of ['web.log', 'jobs.log']) {
    const shown = lines.filter((line) => line.startsWith(file)).map((line) => line.slice(9))
    expect(shown).toEqual([1, 2, 3, 4, 5].map((n) => `error ${n}: out of malt`))
  }
}, 60_000)
