import inspector from 'node:inspector'
import { runInThisContext } from 'node:vm'
import { expect, test, vi } from 'vitest'
import type { AnyFunction } from '../../../src/movement/function-source.ts'
import { internalsOf } from '../../../src/movement/live/inspector.ts'
import { scriptOf } from '../../../src/movement/live/scripts.ts'

const evaluated = (source: string): AnyFunction => runInThisContext(source) as AnyFunction
const scriptIdOf = (fn: AnyFunction): string => internalsOf(fn)!.place!.scriptId

/** How often V8 has been asked for all scripts, while something was done. */
function asked(task: () => void): number {
  const post = vi.spyOn(inspector.Session.prototype, 'post')
  task()
  const calls: readonly (readonly unknown[])[] = post.mock.calls
  const times = calls.filter(([method]) => method === 'Debugger.enable').length
  post.mockRestore()
  return times
}

test('scripts that were evaluated one after the other are read together', () => {
  const sources = Array.from({ length: 60 }, (_, index) => `(() => ${index})\n// of ${index}`)
  const ids = sources.map(evaluated).map(scriptIdOf)
  let found: unknown[] = []
  const times = asked(() => {
    found = ids.map((id) => scriptOf(id)?.source)
  })
  expect(found).toEqual(sources)
  expect(times).toBeGreaterThan(0)
  expect(times).toBeLessThanOrEqual(3)
})

test('a large one is read when it is asked for, and not before', () => {
  const small = evaluated('(() => "small")')
  const large = evaluated(`(() => "large") // ${'x'.repeat(100_000)}`)
  expect(asked(() => expect(scriptOf(scriptIdOf(small))?.source).toContain('small'))).toBe(1)
  expect(asked(() => expect(scriptOf(scriptIdOf(large))?.source).toContain('large'))).toBe(1)
})

test('V8 is asked once for a script, whether it has it or not', () => {
  const id = scriptIdOf(evaluated('(() => "once")'))
  const twice = (scriptId: string) => (): void => {
    expect(scriptOf(scriptId)).toBe(scriptOf(scriptId))
  }
  expect(asked(twice(id))).toBe(1)
  expect(asked(twice('999999999'))).toBe(1)
  expect(scriptOf('999999999')).toBeUndefined()
})
