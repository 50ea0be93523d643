import { join } from 'node:path'
import { expect, test } from 'vitest'
import { explainCommand } from '../../src/cli/explain-command.ts'
import { hasColours } from '../../src/cli/terminal-colours.ts'

test.each([
  [{}, true, true],
  [{}, false, false],
  [{ NO_COLOR: '1' }, true, false],
  [{ NO_COLOR: '' }, true, true],
  [{ NODE_DISABLE_COLORS: '1' }, true, false],
  [{ TERM: 'dumb' }, true, false],
  [{ FORCE_COLOR: '1' }, false, true],
  [{ FORCE_COLOR: '' }, false, true],
  [{ FORCE_COLOR: '0' }, true, false],
  [{ FORCE_COLOR: 'false' }, true, false],
  [{ FORCE_COLOR: '3', NO_COLOR: '1' }, false, true],
])('with %j, at a terminal %s: colours %s', (environment, isTerminal, expected) => {
  expect(hasColours(environment, isTerminal)).toBe(expected)
})

test('at a terminal the plan is a table in colours, unless JSON is asked for', async () => {
  const at = async (environment: Record<string, string>, ...more: string[]): Promise<string> => {
    let printed = ''
    const print = (text: string): void => void (printed += text)
    const cwd = join(import.meta.dirname, '../fixtures/movement/exports')
    await explainCommand.run(['tasks.mjs#double', ...more], { print, environment, isTerminal: true, cwd })
    return printed
  }
  expect(await at({})).toContain('\u001B[33mdouble')
  expect(await at({ NO_COLOR: '1' })).toMatch(/^name +kind/)
  expect(JSON.parse(await at({}, '--json'))).toHaveProperty('totalBytes')
})
