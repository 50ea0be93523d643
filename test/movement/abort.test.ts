import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { whenAborted } from '../../src/movement/abort.ts'

const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length

describe('whenAborted', () => {
  it('has one listener however many wait, and none once nobody does, in whatever order they leave', () => {
    const { signal } = new AbortController()
    for (let round = 0; round < 3; round++) {
      const leave = [1, 2, 3].map(() => whenAborted(signal, () => {}))
      expect(listeners(signal)).toBe(1)
      for (const one of leave) one()
      expect(listeners(signal)).toBe(0)
      // Leaving twice must not take the place of somebody who has come since.
      const stay = whenAborted(signal, () => {})
      leave[0]!()
      expect(listeners(signal)).toBe(1)
      stay()
    }
  })

  it('calls all back once, but those that have left', () => {
    const controller = new AbortController()
    const called: string[] = []
    whenAborted(controller.signal, () => called.push('a'))
    whenAborted(controller.signal, () => called.push('b'))()
    whenAborted(controller.signal, () => called.push('c'))
    controller.abort()
    expect(called).toEqual(['a', 'c'])
  })
})
