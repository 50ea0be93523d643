/* oxlint-disable typescript/no-extraneous-class -- it is about static fields */
import { CaptureError, explain, type Worker } from 'maltster'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { quietWorker, rejection } from './workers.ts'

useLeakCheck('file')

let worker: Worker

beforeAll(async () => {
  worker = await quietWorker()
})

afterAll(async () => {
  await worker.stop()
})

class Sequence {
  static #last = 0
  static next(): number {
    return ++Sequence.#last
  }
}

class Fixed {
  static #limit = -0
  static #large = -5n
  static #name = `fixed`
  static #twice = (value: number): number => value * 2
  static #hidden(): string {
    return this.#name
  }
  static get(): unknown[] {
    return [Fixed.#limit, Fixed.#large, Fixed.#hidden(), Fixed.#twice(2)]
  }
}

class Computed {
  static #at = Date.now()
  static at(): number {
    return Computed.#at
  }
}

test('a static private field that nothing can have changed is made anew there', async () => {
  expect(await worker.call(() => Fixed.get())).toEqual([-0, -5n, 'fixed', 4])
  expect(await worker.call(() => Fixed.get(), [], { captures: { Fixed }, capture: 'explicit' })).toHaveLength(
    4,
  )
})

test('one that has changed is refused, each time anew, before a byte is sent', async () => {
  const next = (): number => Sequence.next()
  expect(await worker.call(next)).toBe(1)
  expect(await worker.call(next)).toBe(2)
  Sequence.next()
  const before = (await worker.stats()).bytes.sent
  const refused = await rejection(worker.call(next), CaptureError)
  expect(refused.path).toBe('next → Sequence.#last')
  expect(refused.why).toContain('another value than the text of its class gives it')
  expect(refused.hint).toContain('public static field')
  expect((await worker.stats()).bytes.sent).toBe(before)
  expect(explain(next).entries).toMatchObject([{ name: 'Sequence.#last', action: 'refused' }])
})

test('one that has got a value since is refused', () => {
  class Late {
    static #word: string | undefined
    static set(word: string): void {
      Late.#word = word
    }
    static get(): string | undefined {
      return Late.#word
    }
  }
  const read = (): string | undefined => Late.get()
  expect(explain(read).entries[0]?.action).toBe('sent')
  Late.set('word')
  expect(explain(read).entries[0]).toMatchObject({ name: 'Late.#word', action: 'refused' })
})

test('a collection may go while it is empty', async () => {
  class Registry {
    static #made = new Map<string, number>()
    static make(name: string): number {
      return Registry.#made.set(name, 1).size
    }
  }
  const make = (name: string): number => Registry.make(name)
  expect(await worker.call(make, ['a'])).toBe(1)
  Registry.make('here')
  expect((await rejection(worker.call(make, ['b']), CaptureError)).path).toContain('Registry.#made')
})

test('what the text does not tell is refused, with the same advice', async () => {
  const refused = await rejection(
    worker.call(() => Computed.at()),
    CaptureError,
  )
  expect(refused.path).toBe('fn → Computed.#at')
  expect(refused.why).toContain('need not be what it is now')
  // Where nothing is found, nothing is known of what the class is now.
  const explicit = { captures: { Sequence }, capture: 'explicit' } as const
  const unknown = await rejection(
    worker.call(() => Sequence.next(), [], explicit),
    CaptureError,
  )
  expect(unknown.path).toBe('fn → Sequence.#last')
})
