import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  ChannelWorld,
  type Command,
  type Item,
  keyOf,
  type Link,
  type Place,
  places,
} from './channel-model.ts'

const place = fc.constantFrom<Place>(...places)
const link = fc.constantFrom<Link>('left', 'right', 'behind')
const capacity = fc.constantFrom(0, 1, 2, 5)

const common = [
  { weight: 5, arbitrary: place.map((at): Command => ({ do: 'send', at })) },
  { weight: 10, arbitrary: place.map((at): Command => ({ do: 'receive', at })) },
  { weight: 1, arbitrary: place.map((at): Command => ({ do: 'tryReceive', at })) },
  {
    weight: 12,
    arbitrary: fc
      .tuple(link, fc.integer({ min: 1, max: 2 }))
      .map(([one, steps]): Command => ({ do: 'deliver', link: one, steps })),
  },
  {
    weight: 10,
    arbitrary: fc.nat(9).map((which): Command => ({ do: 'abortReceive', which })),
  },
]
const abortSend = fc.nat(9).map((which): Command => ({ do: 'abortSend', which }))
const close = place.map((at): Command => ({ do: 'close', at }))
const die = link.map((one): Command => ({ do: 'die', link: one }))

/** Between commands the processes run on by themselves, or not. */
const turns = fc.infiniteStream(fc.boolean())

async function play(
  commands: readonly Command[],
  size: number,
  pauses: Iterator<boolean>,
): Promise<ChannelWorld> {
  const world = new ChannelWorld(size)
  for (const command of commands) {
    world.run(command)
    if (pauses.next().value === true) await Promise.resolve()
  }
  return world
}

/** Whether the values of each sender are in order. */
function inOrder(items: readonly Item[]): boolean {
  const last = new Map<Place, number>()
  return items.every(({ from, n }) => {
    const before = last.get(from) ?? -1
    last.set(from, n)
    return n > before
  })
}

/** What holds whatever happens: nothing comes twice, what was refused does not come, each wait ends, no answer is left over. */
function expectSound(world: ChannelWorld, left: readonly Item[]): Set<string> {
  const all = [...places.flatMap((at) => world.got[at]), ...left].map(keyOf)
  const seen = new Set(all)
  expect(all.length).toBe(seen.size)
  expect(world.observed.strays).toBe(0)
  for (const wait of [...world.sends, ...world.receives]) expect(wait.outcome).not.toBe('waiting')
  for (const { at, item, outcome, controller } of world.sends) {
    if (outcome === 'failed' && !controller.signal.aborted && !world.isCutOff(at)) {
      expect(seen.has(keyOf(item))).toBe(false)
    }
  }
  const putBack = new Set(world.observed.putBacks.map((item) => keyOf(item as Item)))
  for (const at of places)
    expect(inOrder(world.got[at].filter((item) => !putBack.has(keyOf(item))))).toBe(true)
  return seen
}

const lostOf = (world: ChannelWorld, seen: ReadonlySet<string>): Item[] =>
  world.sends
    .filter(({ item, outcome }) => outcome === 'done' && !seen.has(keyOf(item)))
    .map(({ item }) => item)

describe('a channel in four processes', { timeout: 180_000 }, () => {
  test('loses nothing, doubles nothing and keeps the order of each sender, whoever gives up or closes it when', async () => {
    let putBacks = 0
    const commands = fc.array(
      fc.oneof(...common, { weight: 2, arbitrary: abortSend }, { weight: 1, arbitrary: close }),
      { maxLength: 120, size: 'max' },
    )
    await fc.assert(
      fc.asyncProperty(commands, capacity, turns, async (steps, size, pauses) => {
        const world = await play(steps, size, pauses)
        const left = await world.drain()
        const seen = expectSound(world, left)
        expect(lostOf(world, seen)).toEqual([])
        putBacks += world.observed.putBacks.length
      }),
      { numRuns: 1000 },
    )
    // Else nobody has given up at the moment that matters.
    expect(putBacks).toBeGreaterThan(100)
  })

  test('one process that receives gets the values of each sender in order, also those that were put back', async () => {
    let putBacks = 0
    const property = fc.asyncProperty(
      fc.array(fc.oneof(...common), { maxLength: 120, size: 'max' }),
      capacity,
      place,
      turns,
      async (steps, size, receiver, pauses) => {
        const onlyThere = steps.map((step) =>
          step.do === 'receive' || step.do === 'tryReceive' ? { ...step, at: receiver } : step,
        )
        const world = await play(onlyThere, size, pauses)
        const left = await world.drain()
        expect(inOrder(world.got[receiver])).toBe(true)
        expect(inOrder([...world.got[receiver], ...left])).toBe(true)
        expect(lostOf(world, expectSound(world, left))).toEqual([])
        putBacks += world.observed.putBacks.length
      },
    )
    await fc.assert(property, { numRuns: 500 })
    expect(putBacks).toBeGreaterThan(100)
  })

  test('a process that dies takes with it only what was on its way to it', async () => {
    let deaths = 0
    const commands = fc.array(
      fc.oneof(...common, { weight: 2, arbitrary: die }, { weight: 1, arbitrary: close }),
      { maxLength: 120, size: 'max' },
    )
    await fc.assert(
      fc.asyncProperty(commands, capacity, turns, async (steps, size, pauses) => {
        const world = await play(steps, size, pauses)
        const left = await world.drain()
        const lost = lostOf(world, expectSound(world, left))
        const asked = world.receives.filter(({ at }) => world.isCutOff(at)).length
        const given = places.filter((at) => world.isCutOff(at)).flatMap((at) => world.got[at]).length
        expect(lost.length).toBeLessThanOrEqual(asked - given)
        deaths += world.dead.size
      }),
      { numRuns: 500 },
    )
    expect(deaths).toBeGreaterThan(100)
  })

  test('is a simple queue where each step has its effect before the next', async () => {
    const commands = fc.array(
      fc.oneof(...common.filter((_, index) => index !== 3), { weight: 1, arbitrary: close }),
      { maxLength: 40 },
    )
    await fc.assert(
      fc.asyncProperty(commands, capacity, async (steps, size) => {
        const world = new ChannelWorld(size)
        const queue = new SimpleQueue(size)
        for (const step of steps) {
          queue.run(step)
          world.run(step)
          await world.settle()
          expect(world.receives.map(({ outcome }) => outcome)).toEqual(
            queue.receives.map(({ outcome }) => outcome),
          )
          expect(world.sends.map(({ outcome }) => outcome)).toEqual(queue.sends.map(({ outcome }) => outcome))
        }
        expect(world.got).toEqual(queue.got)
        await world.drain()
      }),
      { numRuns: 300 },
    )
  })
})

interface SimpleWait {
  readonly at: Place
  outcome: 'waiting' | 'done' | 'failed' | 'empty'
}

/** What a channel should be, without processes: lists of values, and of those who wait. */
class SimpleQueue {
  readonly sends: (SimpleWait & { readonly item: Item })[] = []
  readonly receives: SimpleWait[] = []
  readonly got: Record<Place, Item[]> = { owner: [], left: [], right: [], behind: [] }
  readonly #counts: Record<Place, number> = { owner: 0, left: 0, right: 0, behind: 0 }
  readonly #size: number
  #items: Item[] = []
  #isClosed = false

  constructor(size: number) {
    this.#size = size
  }

  run(command: Command): void {
    if (command.do === 'send') {
      const item = { from: command.at, n: this.#counts[command.at]++ }
      this.sends.push({ at: command.at, item, outcome: this.#isClosed ? 'failed' : 'waiting' })
    } else if (command.do === 'receive' || command.do === 'tryReceive') {
      this.receives.push({ at: command.at, outcome: 'waiting' })
    } else if (command.do === 'close') this.#isClosed = true
    else if (command.do === 'abortReceive') {
      const waiting = this.receives.filter(({ outcome }) => outcome === 'waiting')
      const given = waiting[command.which % Math.max(waiting.length, 1)]
      if (given !== undefined) given.outcome = 'failed'
    }
    this.#match()
    if (command.do === 'tryReceive' && this.receives.at(-1)!.outcome === 'waiting') {
      this.receives.at(-1)!.outcome = this.#isClosed ? 'failed' : 'empty'
    }
    if (!this.#isClosed) return
    for (const wait of [...this.sends, ...this.receives])
      if (wait.outcome === 'waiting') wait.outcome = 'failed'
  }

  #match(): void {
    for (;;) {
      const receiver = this.receives.find(({ outcome }) => outcome === 'waiting')
      const sender = this.sends.find(({ outcome }) => outcome === 'waiting')
      if (receiver !== undefined && this.#items.length > 0) {
        receiver.outcome = 'done'
        this.got[receiver.at].push(this.#items.shift()!)
      } else if (sender !== undefined && !this.#isClosed && this.#items.length < this.#size) {
        sender.outcome = 'done'
        this.#items.push(sender.item)
      } else if (sender !== undefined && receiver !== undefined && !this.#isClosed) {
        sender.outcome = 'done'
        receiver.outcome = 'done'
        this.got[receiver.at].push(sender.item)
      } else return
    }
  }
}
