import { expect, test } from 'vitest'
import { MovementAccount } from '../../src/actors/movement-account.ts'
import { type PlanEntry, planOf } from '../../src/movement/movement-plan.ts'
import { systemClock } from '../../src/transport/clock.ts'

function newAccount(limit?: number): { account: MovementAccount; advance: (ms: number) => void } {
  let wallTime = 1000
  const clock = { ...systemClock, wallTimeMs: () => wallTime }
  return { account: new MovementAccount(clock, limit), advance: (ms) => void (wallTime += ms) }
}

const entry = (name: string, bytes: number, more: Partial<PlanEntry> = {}): PlanEntry => {
  return { name, kind: 'global', origin: 'file:///a.mjs:1', bytes, action: 'sent', reason: '', ...more }
}
const argument = (bytes: number): PlanEntry =>
  entry('arguments', bytes, { kind: 'argument', origin: undefined })

test('adds up by variable, and tells what was sent again, and when', () => {
  const { account, advance } = newAccount()
  account.moved(planOf([entry('x', 100), entry('y', 500), argument(10)]))
  advance(5)
  account.moved(planOf([entry('x', 60), entry('y', 0, { action: 'unchanged' }), argument(20)]))
  account.called(7)
  account.dropped(24)
  const { entries, resent, calls, otherBytes, totalBytes } = account.snapshot()
  expect(entries.map(({ name, bytes, times, resentBytes }) => [name, bytes, times, resentBytes])).toEqual([
    ['y', 500, 1, 0],
    ['x', 160, 2, 60],
  ])
  expect(resent.map(({ name }) => name)).toEqual(['x'])
  expect(resent[0]?.latest).toEqual([
    { wallTime: 1000, bytes: 100 },
    { wallTime: 1005, bytes: 60 },
  ])
  expect({ calls, otherBytes, totalBytes }).toEqual({
    calls: { made: 3, bytes: 37 },
    otherBytes: 24,
    totalBytes: 100 + 500 + 60 + 37 + 24,
  })
})

test('takes a variable of a module for one, whichever function it is sent for, and functions by their place', () => {
  const { account } = newAccount()
  account.moved(planOf([entry('x', 1), entry('x', 1, { origin: 'file:///a.mjs:9' })]))
  account.moved(planOf([entry('x', 1, { origin: 'file:///b.mjs:1' })]))
  const kind = 'function' as const
  account.moved(planOf([entry('f', 1, { kind }), entry('f', 1, { kind, origin: 'file:///a.mjs:9' })]))
  expect(account.snapshot().entries.map(({ name, origin, times }) => [name, origin, times])).toEqual([
    ['x', 'file:///a.mjs:9', 2],
    ['x', 'file:///b.mjs:1', 1],
    ['f', 'file:///a.mjs:1', 1],
    ['f', 'file:///a.mjs:9', 1],
  ])
})

test('is bounded: what was sent longest ago is told apart no more, and no byte is lost', () => {
  const { account } = newAccount(3)
  for (let round = 0; round < 100; round++) {
    account.moved(planOf([entry('often', 1), entry(`rare ${round}`, 10)]))
  }
  const { entries, otherBytes, totalBytes } = account.snapshot()
  expect(entries.map(({ name }) => name)).toEqual(['often', 'rare 98', 'rare 99'])
  expect(entries[0]?.latest).toHaveLength(8)
  expect([otherBytes, totalBytes]).toEqual([98 * 10, 100 * 11])
})

test('is a table for people, of the largest', () => {
  const { account } = newAccount()
  for (let at = 0; at < 30; at++) account.moved(planOf([entry(`v${at}`, 1000 - at)]))
  account.moved(planOf([entry('v0', 1), argument(16)]))
  const lines = String(account.snapshot()).split('\n')
  expect(lines.slice(0, 3)).toEqual([
    'name       kind      times  bytes  re-sent  where',
    'arguments  argument      1     16        0',
    'v0         global        2   1001        1  a.mjs:1',
  ])
  expect(lines.slice(-2)).toEqual(['10 more                 10   9755        0', '29582 bytes in all'])
})
