import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { root } from '../rules/temporary-tree.ts'
import { useLeakCheck } from '../support/leak-check.ts'

useLeakCheck()

const program = join(root, 'examples/06-kept-index/main.mjs')

test('the example that keeps a text and its index asks both, and sends neither', async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [program, '--lines', '20000'])
  expect(stderr).toBe('')
  const said = stdout.split('\n').map((line) => line.trim().replaceAll(/ +/g, ' '))
  expect(said).toContainEqual(expect.stringMatching(/^1: Array, about \d{6} bytes$/))
  expect(said).toContainEqual(expect.stringMatching(/^2: Map, about \d{6} bytes$/))
  expect(said.filter((line) => /^\d+: .*malt.*hops.*yeast/.test(line))).toHaveLength(3)
  expect(said).toContainEqual(
    expect.stringMatching(/^args\[0\] argument 0 reference The worker keeps it \(Array/),
  )
  expect(said).toContainEqual(
    expect.stringMatching(/^args\[1\] argument 0 reference The worker keeps it \(Map/),
  )
  expect(said).toContain('The longest line: barley water steep sprout kiln malt mash wort hops yeast beer')
  expect(said).toContain('Sent in all: less than 20 kB')
  expect(said).toContain('Kept at the end: string')
}, 60_000)
