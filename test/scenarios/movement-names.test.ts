import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { report } from './program-report.ts'

useLeakCheck('file')

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/movement/names/${name}`, import.meta.url))

test('a variable that is given a value more than once is read each time', () => {
  const found = report(fixture('written-again.cjs')) as Record<string, [here: unknown, there: unknown][]>
  expect(Object.fromEntries(Object.entries(found).map(([name, pairs]) => [name, pairs.length]))).toEqual({
    for: 3,
    while: 2,
    'a function': 2,
    'declared twice': 2,
    arguments: 2,
    'evaluated text': 2,
    'another script': 2,
  })
  for (const [name, pairs] of Object.entries(found)) {
    expect(new Set(pairs.map(([here]) => here)).size, name).toBe(pairs.length)
    for (const [here, there] of pairs) expect(there, name).toBe(here)
  }
})
