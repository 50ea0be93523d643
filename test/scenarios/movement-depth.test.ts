import type { Worker } from 'maltster'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { agreeingWorker } from './agreement.ts'
import { quietWorker } from './workers.ts'

useLeakCheck('file')

let worker: Worker

beforeAll(async () => {
  worker = await quietWorker()
})

afterAll(async () => {
  await worker.stop()
})

class Link {
  readonly next: Link | undefined
  constructor(next: Link | undefined) {
    this.next = next
  }
  get length(): number {
    let length = 0
    for (let { next } = this as Link; next !== undefined; { next } = next) length++
    return length + 1
  }
}

function chainOf(count: number): Link {
  let list: Link | undefined
  for (let i = 0; i < count; i++) list = new Link(list)
  return list!
}

function closuresOf(count: number): () => number {
  let made = (): number => 0
  for (let i = 0; i < count; i++) {
    const inner = made
    made = () => inner() + 1
  }
  return made
}

let list: Link
let chain: () => number

test.each([500, 5000])('%i instances, each in the next one', async (count) => {
  list = chainOf(count)
  expect(await worker.call(() => list.length)).toBe(count)
  const captured = chainOf(count)
  expect(await worker.call(() => captured.length)).toBe(count)
})

test.each([500, 2000])('%i functions, each captured by the next one', async (count) => {
  chain = closuresOf(count)
  expect(await worker.call(() => chain())).toBe(count)
  const captured = closuresOf(count)
  expect(await worker.call(() => captured())).toBe(count)
})

test('functions that share a variable far inside still share it', async () => {
  await using agreeing = await agreeingWorker()
  const counter = (() => {
    let count = 0
    return { up: () => ++count, get: () => count }
  })()
  let deep: { up: () => number; get: () => number } | { inner: unknown } = counter
  for (let i = 0; i < 300; i++) deep = { inner: deep }
  const both = (): number[] => {
    let found: any = deep
    while ('inner' in found) found = found.inner
    return [found.up(), found.get()]
  }
  expect(await agreeing.call(both)).toEqual([1, 1])
})

test('a class whose name is a getter is not asked for it', async () => {
  class Named {
    readonly isOne = true
    static get name(): string {
      throw new Error('asked')
    }
  }
  const one = new Named()
  expect(await worker.call(() => typeof one)).toBe('object')
})
