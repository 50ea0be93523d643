import { runInThisContext } from 'node:vm'
import { expect, test } from 'vitest'
import { readFunction } from '../../../src/movement/function-source.ts'
import { namespaceUse } from '../../../src/movement/live/namespace-use.ts'

/** What a function of this text uses of `state`. */
const useOf = (text: string): unknown => {
  const fn = runInThisContext(`(${text})`) as (...args: never[]) => unknown
  const use = namespaceUse(readFunction(fn, 'fn'), 'state')
  return use === 'all' ? use : [...use]
}

test.each([
  ['() => state.a + state.b.c', ['a', 'b']],
  ["() => state['a'] + state?.b + state /* x */ . c", ['a', 'b', 'c']],
  ['() => { const { a, b: { c }, d = 1 } = state; return a }', ['a', 'b', 'd']],
  ["() => 'state.b' + other.state.c + state.a", ['a']],
  ['() => { { const state = 1; state.toString() } return state.a }', ['a']],
  ['() => typeof state', []],
  ['() => state.a = 1', ['a']],
  ['class { static m() { return state.a } }', ['a']],
  ['(key) => state[key] + state.a', 'all'],
  ['() => { const { a, ...rest } = state }', 'all'],
  ["() => { const { ['a']: b } = state }", 'all'],
  ['() => help(state)', 'all'],
  ['() => ({ ...state })', 'all'],
  ['() => ({ state })', 'all'],
  ["() => 'a' in state", 'all'],
  ['() => { const s = state; return s.a }', 'all'],
  ['({ a } = state) => a', 'all'],
])('%s', (text, use) => {
  expect(useOf(text)).toEqual(use)
})
