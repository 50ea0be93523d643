import { describe, expect, test } from 'vitest'
import { hostileOutput } from '../fixtures/run/hostile-output.ts'
import { attack, statesAfter, useUntouchedHost } from './hostile.ts'

useUntouchedHost()

// A busy machine takes its time for a gigabyte.
const limits = { timeout: 90_000 }

describe.concurrent('run of snippets that print too much, or meddle with descriptors', limits, () => {
  test.each(hostileOutput)('$name', async (snippet) => {
    expect(statesAfter(snippet)).toContain(await attack(snippet))
  })
})
