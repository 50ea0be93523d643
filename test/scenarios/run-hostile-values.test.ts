import { describe, expect, test } from 'vitest'
import { hostileValues } from '../fixtures/run/hostile-values.ts'
import { attack, statesAfter, useUntouchedHost } from './hostile.ts'

useUntouchedHost()

describe.concurrent('run of snippets whose result, error or text is the attack', () => {
  test.each(hostileValues)('$name', async (snippet) => {
    expect(statesAfter(snippet)).toContain(await attack(snippet))
  })
})
