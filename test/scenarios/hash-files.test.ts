import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { root } from '../rules/temporary-tree.ts'
import { useLeakCheck } from '../support/leak-check.ts'

useLeakCheck()

const main = join(root, 'examples/07-hash-files/main.mjs')
const run = promisify(execFile)

describe('the example that hashes files', () => {
  test('gives every line in order though a member is killed and a file kills whoever reads it', async () => {
    const { stdout } = await run(process.execPath, [main, '--workers', '3', '--lines'], { timeout: 60_000 })
    const lines = stdout.trimEnd().split('\n')
    const [, count, lost] =
      /^ok: (\d+) files in \d+ calls, 0 different .*, (\d+) members lost, 1 file given up$/.exec(
        lines.at(-1) ?? '',
      ) ?? [stdout]
    expect(lines.filter((line) => /^([\da-f]{64}|unreadable) {2}/.test(line))).toHaveLength(Number(count))
    expect(
      lines.filter((line) => line.includes('given up after 3 attempts: it kills its worker')),
    ).toHaveLength(1)
    expect(lines.filter((line) => line.startsWith('kill -9 '))).toHaveLength(1)
    // The one that was killed, and three attempts at the poisonous file.
    expect(Number(lost)).toBeGreaterThanOrEqual(4)
  }, 70_000)
})
