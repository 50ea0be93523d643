import { describe, expect, test } from 'vitest'
import { hostileEnds } from '../fixtures/run/hostile-ends.ts'
import { hostileLoops } from '../fixtures/run/hostile-loops.ts'
import { attack, statesAfter, useUntouchedHost } from './hostile.ts'

useUntouchedHost()

describe.concurrent('run of snippets that end, stop or exhaust their process', () => {
  test.each(hostileEnds)('$name', async (snippet) => {
    expect(statesAfter(snippet)).toContain(await attack(snippet))
  })
})

describe.concurrent('run of snippets that never end, or leave something behind', () => {
  test.each(hostileLoops)('$name', async (snippet) => {
    expect(statesAfter(snippet)).toContain(await attack(snippet))
  })
})
