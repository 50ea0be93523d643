import { describe, expect, test } from 'vitest'
import { hostileTampering } from '../fixtures/run/hostile-tampering.ts'
import { attack, statesAfter, useUntouchedHost } from './hostile.ts'

useUntouchedHost()

describe.concurrent('run of snippets that tamper with what the runtime, too, is made of', () => {
  test.each(hostileTampering)('$name', async (snippet) => {
    expect(statesAfter(snippet)).toContain(await attack(snippet))
  })
})
