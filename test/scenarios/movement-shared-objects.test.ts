import type { Worker } from 'maltster'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { agreeingWorker } from './agreement.ts'

useLeakCheck('file')

let worker: Worker

beforeAll(async () => {
  worker = await agreeingWorker()
})

// Compares all plans with what was sent, and the account with the lane.
afterAll(async () => {
  await worker.stop()
})

const user = { name: 'ann', tags: [{ tag: 1 }] }
const users = [user, { name: 'bob', tags: [] }]
const byName = new Map(users.map((one) => [one.name, one]))
// oxlint-disable-next-line prefer-const -- a variable, as a program has it
let current = user
const { tags } = user

const parent: { child?: unknown } = {}
const child = { parent }
parent.child = child

const nodes = Array.from({ length: 40 }, (_, at): { at: number; next?: unknown } => ({ at }))
for (const [at, node] of nodes.entries()) node.next = nodes[at + 1]
const [head] = nodes

class Point {
  x = 1
}
const point = new Point()
const points = new Set([point])

const memory = new ArrayBuffer(16)
const bytes = new Uint8Array(memory)
const numbers = new Int32Array(memory, 4, 2)
const view = new DataView(memory)
const text = Buffer.alloc(11, 'hello world')
const word = text.subarray(6)
const [one, other] = [Buffer.from('one'), Buffer.from('other')]
const end = new Uint8Array(one.buffer, one.byteOffset + 1, 2)

describe('what several variables of a module refer to is one object there, as it is here', () => {
  test('and a change through one is seen through the others', async () => {
    const change = () => {
      current.name = 'eve'
      tags.push({ tag: 2 })
      return [
        user === current,
        byName.get('ann') === users[0],
        users[0]?.name,
        tags === user.tags,
        user.tags.length,
      ]
    }
    expect(await worker.call(change)).toEqual([true, true, 'eve', true, 2])
    // What was changed there stays there.
    expect(await worker.call(() => [current.name, user.name, tags.length])).toEqual(['eve', 'eve', 2])
    user.name = 'ada'
    expect(await worker.call(() => [current.name, users[0]?.name, byName.get('ann')?.name])).toEqual(
      Array.from({ length: 3 }, () => 'ada'),
    )
    expect(user.tags).toHaveLength(1)
  })

  test('also in circles, behind each other, and of a class', async () => {
    expect(await worker.call(() => parent.child === child && child.parent === parent)).toBe(true)
    const walk = () => {
      let found = 0
      for (let node = head; node !== undefined; node = node.next as typeof node) {
        if (node === nodes[found]) found++
      }
      return found
    }
    expect(await worker.call(walk)).toBe(40)
    const ofClass = () => [points.has(point), point instanceof Point, ++point.x]
    expect(await worker.call(ofClass)).toEqual([true, true, 2])
  })

  test('and with what the function of the call has captured', async () => {
    const pair = [{ own: 1 }, user]
    expect(await worker.call(() => [pair[1] === user, pair[0]])).toEqual([true, { own: 1 }])
  })

  test('a value that goes alone costs what it did: only what is shared has an entry of its own', () => {
    const captures = (fn: () => unknown) =>
      worker.explain(fn).entries.filter(({ kind }) => kind === 'capture').length
    const [big] = [Array.from({ length: 100 }, (_, at) => ({ at }))]
    globalBig = big!
    globalAlias = globalBig
    expect(captures(() => globalBig.length)).toBe(0)
    // The list, and nothing in it.
    expect(captures(() => globalBig === globalAlias)).toBe(1)
  })
})

let globalBig: unknown[] = []
let globalAlias: unknown[] = []

describe('views of one buffer', () => {
  test('show the same memory there: of variables, and captured', async () => {
    const fill = () => {
      bytes[4] = 7
      return [
        numbers[0],
        view.getUint8(4),
        bytes.buffer === numbers.buffer,
        numbers.byteOffset,
        numbers.length,
      ]
    }
    expect(await worker.call(fill)).toEqual([7, 7, true, 4, 2])
    const local = new ArrayBuffer(4)
    const [low, whole] = [new Uint8Array(local), { deep: new Uint32Array(local), local }]
    const set = () => [++low[0]!, whole.deep[0], whole.local === low.buffer]
    // What is captured starts with the values from here each time.
    expect(await worker.call(set)).toEqual([1, 1, true])
    expect(await worker.call(set)).toEqual([1, 1, true])
    expect([bytes[4], low[0]]).toEqual([0, 0])
  })

  test('and Buffers do, too; of a piece of memory that holds more than they show, each goes alone', async () => {
    const change = () => {
      word[0] = 87
      return [text.toString(), word.toString(), Buffer.isBuffer(word)]
    }
    expect(await worker.call(change)).toEqual(['hello World', 'World', true])
    expect(one.buffer).toBe(other.buffer)
    const alone = () => {
      one[1] = 0
      const sizes = [one, other, end].map(({ buffer }) => buffer.byteLength)
      return [sizes, String.fromCharCode(...end), one.buffer === other.buffer]
    }
    expect(await worker.call(alone)).toEqual([[3, 5, 2], 'ne', false])
  })
})
