import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { root } from '../rules/temporary-tree.ts'
import { useLeakCheck } from '../support/leak-check.ts'

useLeakCheck()

const program = join(root, 'examples/03-streaming-parse/main.mjs')

test('the example that parses a large file takes all, some, and those before a broken line', async () => {
  const lines = 20_000
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [program, '--lines', `${lines}`])
  expect(stderr).toBe('')
  const cents = new Map<string, number>()
  for (let id = 1; id <= lines; id++) {
    const shop = ['Ayr', 'Bath', 'Cork', 'Deal', 'Ely'][id % 5]!
    cents.set(shop, (cents.get(shop) ?? 0) + ((id * 37) % 10_000))
  }
  const said = stdout.split('\n').map((line) => line.trim().replaceAll(/ +/g, ' '))
  for (const [shop, sum] of cents) expect(said).toContain(`${shop} ${(sum / 100).toFixed(2)}`)
  expect(said).toContain('order 500 is of Ayr')
  expect(said).toContain(`${lines} orders, then: line ${lines + 1} is no JSON: {"id":`)
  const closedAfter = said.flatMap((line) => /^the worker: closed after (\d+) lines$/.exec(line)?.[1] ?? [])
  expect(closedAfter).toHaveLength(3)
  const [all, some, broken] = closedAfter.map(Number)
  expect([all, broken]).toEqual([lines, lines + 1])
  // No further than the window, and what `readline` has read ahead.
  expect(some).toBeLessThan(5000)
}, 60_000)
