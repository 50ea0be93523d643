import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { programs } from '../../fixtures/session/programs.ts'
import { bundleFixture } from '../../support/bundle-fixture.ts'
import { globalDifferences, notInScopes, scopeDifferences } from './repl-differences.ts'

const run = promisify(execFile)
let compare: string

beforeAll(async () => {
  compare = await bundleFixture('session/compare.ts')
})

/** What came of each evaluation: `program, source` → the value or error as text. */
async function outcomesOf(mode: 'repl' | 'global' | 'own' | 'named'): Promise<Map<string, string>> {
  const outcomes = new Map<string, string>()
  for (const [program, sources] of Object.entries(programs)) {
    const { stdout } = await run(process.execPath, [compare, mode, program], { timeout: 20_000 })
    const values = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '[]') as string[]
    values.forEach((value, index) => {
      const key = `${program}: ${sources[index]}`
      // The same source may come again.
      outcomes.set(outcomes.has(key) ? `${key} #${index}` : key, value)
    })
    expect(values).toHaveLength(sources.length)
  }
  return outcomes
}

let fromRepl: Promise<Map<string, string>> | undefined

test('every listed difference has a reason', () => {
  const reasons = Object.values({ ...globalDifferences, ...scopeDifferences }).map(([, , reason]) => reason)
  expect(reasons.filter((reason) => reason.length < 20)).toEqual([])
})

test.each(['global', 'own', 'named'] as const)(
  'every evaluation gives what it gives in the REPL, or is a listed difference: scope %s',
  { timeout: 120_000 },
  async (mode) => {
    const repl = await (fromRepl ??= outcomesOf('repl'))
    const ours = await outcomesOf(mode)
    const different = [...ours].filter(([key, value]) => repl.get(key) !== value)
    const found = Object.fromEntries(different.map(([key, value]) => [key, [repl.get(key), value]]))
    const isListed = ([key]: [string, unknown]): boolean => mode === 'global' || !notInScopes.includes(key)
    const everywhere = Object.entries(globalDifferences).filter(isListed)
    const listed = mode === 'global' ? everywhere : [...everywhere, ...Object.entries(scopeDifferences)]
    const expected = Object.fromEntries(listed.map(([key, [theirs, own]]) => [key, [theirs, own]]))
    const count = Object.values(programs).flat().length
    console.log(`${mode}: ${count} evaluations, ${count - different.length} same, ${different.length} listed`)
    expect(count).toBeGreaterThanOrEqual(200)
    expect(found).toEqual(expected)
  },
)
