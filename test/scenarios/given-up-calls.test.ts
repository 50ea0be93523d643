import { type Channel, CallTimeoutError, pool, spawnWorker, type Worker, type WorkerOptions } from 'maltster'
import { command } from 'maltster/transport'
import { describe, expect, test } from 'vitest'
import { systemSeams } from '../../dist/actors/seams.js'
import { inProcessLauncher } from '../../dist/supervisor/in-process-launcher.js'
import { startUnderRoot } from '../../dist/supervisor/start-under-root.js'
import { localLauncher } from '../../dist/transport/launchers/local.js'
import { HeldControl } from '../support/held-control.ts'
import { useLeakCheck } from '../support/leak-check.ts'
import { expectUsable, ofType, recordEvents, until } from './workers.ts'

useLeakCheck()

// The ladder that ends a call over there goes by the control lane. While that is held back only the data lane can tell.

const options: WorkerOptions = { stdout: 'ignore', stderr: 'ignore', interruptGraceMs: 60_000 }

type Start = (launcher: HeldControl) => Promise<Worker>

const spawned =
  (more: WorkerOptions): Start =>
  (launcher) =>
    spawnWorker({ ...options, ...more, launcher })

const kinds: [name: string, launcher: () => HeldControl, start: Start][] = [
  ['pipe', () => new HeldControl(localLauncher), spawned({})],
  ['uds', () => new HeldControl(localLauncher), spawned({ transport: 'uds' })],
  ['tcp', () => new HeldControl(localLauncher), spawned({ transport: 'tcp' })],
  ['command', () => new HeldControl(command(['env', '-u', 'NOBODY_HAS_THIS'])), spawned({})],
  [
    'in-process',
    () => new HeldControl(inProcessLauncher),
    (launcher) => startUnderRoot({ interruptGraceMs: 60_000 }, { ...systemSeams, launcher }),
  ],
]

type Takes = (worker: Pick<Worker, 'call' | 'stream'>, taken: Taken, signal: AbortSignal) => Promise<unknown>

/** What calls take values from, and by what they say that they are about to. */
type Taken = [from: Channel<number>, begun: Channel<number>]

// They ask for the value before they say that they have begun, and so it has been asked for when that is here.

const receives = async (from: Channel<number>, begun: Channel<number>): Promise<number> => {
  const next = from.receive()
  void begun.send(0)
  return next
}

const loops = async (from: Channel<number>, begun: Channel<number>): Promise<void> => {
  const values = from[Symbol.asyncIterator]()
  const next = values.next()
  void begun.send(0)
  await next
  for await (const value of values) if (value < 0) return
}

const yields = async function* (from: Channel<number>, begun: Channel<number>): AsyncGenerator<number> {
  const next = from.receive()
  void begun.send(0)
  yield await next
}

const ways: [name: string, takes: Takes][] = [
  ['call', (worker, taken, signal) => worker.call(receives, taken, { signal })],
  ['call, in a loop', (worker, taken, signal) => worker.call(loops, taken, { signal })],
  ['background', (worker, taken, signal) => worker.call(receives, taken, { signal, background: true })],
  ['stream', (worker, taken, signal) => worker.stream(yields, taken, { signal }).next()],
]

/** Has a call take from a channel, and aborts it. */
async function aborted(
  worker: Pick<Worker, 'call' | 'stream'>,
  takes: Takes,
  [from, begun]: Taken,
): Promise<void> {
  const controller = new AbortController()
  const taking = takes(worker, [from, begun], controller.signal)
  await begun.receive()
  controller.abort(new Error('not wanted'))
  await expect(taking).rejects.toThrow('not wanted')
}

/** As answers come in order, a value that the worker did not want is here again. */
const thereAndBack = (worker: Pick<Worker, 'call'>): Promise<number> => worker.call(() => 0)

describe.each(kinds)('a worker of the kind %s', (_, makeLauncher, start) => {
  test('has no use for a value that is sent after its call was aborted', async () => {
    const launcher = makeLauncher()
    await using worker = await start(launcher)
    using seen = recordEvents({ types: ['interrupt.finished'] })
    const taken: Taken = [worker.channel<number>({ capacity: 2 }), worker.channel<number>()]
    launcher.hold()
    for (const [at, [name, takes]] of ways.entries()) {
      await aborted(worker, takes, taken)
      await taken[0].send(at)
      await thereAndBack(worker)
      expect({ name, got: await taken[0].tryReceive() }).toEqual({ name, got: { value: at } })
    }
    launcher.release()
    await until('its ladders tell', () => seen.events.length === ways.length)
    // They tell of the calls as ended, though it was by the data lane that they were.
    expect(ofType(seen.events, 'interrupt.finished').map(({ outcome }) => outcome)).toEqual(
      ways.map(() => 'detached'),
    )
    await expectUsable(worker)
  })
})

test('nor for one that is sent to a channel of its own', async () => {
  const launcher = new HeldControl(localLauncher)
  await using worker = await spawnWorker({ ...options, launcher })
  const from = await worker.call(async () => {
    const { channel } = await import('maltster/worker')
    return channel<number>({ capacity: 2 })
  })
  const begun = worker.channel<number>()
  launcher.hold()
  await aborted(worker, ways[0]![1], [from, begun])
  await from.send(1)
  expect(await from.tryReceive()).toEqual({ value: 1 })
  launcher.release()
})

test('nor for one that is sent after its time was up', async () => {
  const launcher = new HeldControl(localLauncher)
  await using worker = await spawnWorker({ ...options, launcher })
  const [from, begun]: Taken = [worker.channel<number>({ capacity: 2 }), worker.channel<number>()]
  launcher.hold()
  const late = worker.call(receives, [from, begun], { timeoutMs: 1 })
  await expect(late).rejects.toBeInstanceOf(CallTimeoutError)
  await from.send(1)
  await thereAndBack(worker)
  expect(await from.tryReceive()).toEqual({ value: 1 })
  launcher.release()
})

test('nor has a member of a pool', async () => {
  const launcher = new HeldControl(localLauncher)
  await using workers = await pool({ size: 1, worker: { ...options, launcher } })
  const [member] = workers
  const taken: Taken = [member!.channel<number>({ capacity: 2 }), member!.channel<number>()]
  launcher.hold()
  await aborted(member!, (_, args, signal) => workers.call(receives, args, { signal }), taken)
  await taken[0].send(1)
  await thereAndBack(member!)
  expect(await taken[0].tryReceive()).toEqual({ value: 1 })
  launcher.release()
})

test('nor has a worker of that worker, whose call has the signal of the one that was aborted', async () => {
  const launcher = new HeldControl(localLauncher)
  await using worker = await spawnWorker({ ...options, launcher })
  await worker.evaluate(`
    const { spawnWorker } = await import('maltster')
    const { currentCall } = await import('maltster/worker')
    const inner = await spawnWorker({ stdout: 'ignore', stderr: 'ignore' })
    const receives = ${String(receives)}
    globalThis.takeBelow = (from, begun) => inner.call(receives, [from, begun], { signal: currentCall().signal })
    globalThis.goBelow = () => inner.call(() => 0)
    undefined`)
  const global = globalThis as unknown as { takeBelow: typeof receives; goBelow: () => Promise<number> }
  const below: Takes = (outer, taken, signal) =>
    outer.call((from: Channel<number>, begun: Channel<number>) => global.takeBelow(from, begun), taken, {
      signal,
    })
  const taken: Taken = [worker.channel<number>({ capacity: 2 }), worker.channel<number>()]
  launcher.hold()
  await aborted(worker, below, taken)
  await taken[0].send(1)
  await worker.call(() => global.goBelow())
  expect(await taken[0].tryReceive()).toEqual({ value: 1 })
  launcher.release()
})

test('what spins because its call was aborted is cut off, and what is meant for another call is not', async () => {
  const launcher = new HeldControl(localLauncher)
  let isSpinning = false
  const stderr = (): void => void (isSpinning = true)
  await using worker = await spawnWorker({ ...options, launcher, stderr })
  using seen = recordEvents({ types: ['interrupt.finished'] })
  const begun = worker.channel<number>()
  await worker.evaluate(`
    const { writeSync } = await import('node:fs')
    const { currentCall } = await import('maltster/worker')
    globalThis.spin = () => { writeSync(2, 'spins\\n'); for (;;) {} }
    globalThis.whenAborted = (listener) => currentCall().signal.addEventListener('abort', listener)
    undefined`)
  const global = globalThis as unknown as { spin: () => void; whenAborted: (listener: () => void) => void }
  const outcomes = (): string[] => ofType(seen.events, 'interrupt.finished').map(({ outcome }) => outcome)
  const aborting = async (listens: (begun: Channel<number>) => Promise<void>): Promise<void> => {
    const controller = new AbortController()
    const call = worker.call(listens, [begun], { signal: controller.signal })
    await begun.receive()
    controller.abort(new Error('not wanted'))
    await expect(call).rejects.toThrow('not wanted')
  }
  launcher.hold()
  await aborting((out) => {
    global.whenAborted(() => global.spin())
    return out.send(0).then(() => new Promise(() => {}))
  })
  await until('its listener spins', () => isSpinning)
  launcher.release()
  await until('the ladder tells', () => outcomes().length === 1)
  expect(outcomes()).toEqual(['interrupted'])
  await expectUsable(worker)
  isSpinning = false
  launcher.hold()
  await aborting((out) => out.send(0).then(() => new Promise(() => {})))
  const other = worker.call(() => global.spin())
  await until('another call spins', () => isSpinning)
  launcher.release()
  await until('the ladder tells', () => outcomes().length === 2)
  expect(outcomes()).toEqual(['interrupted', 'detached'])
  await worker.interrupt()
  await expect(other).rejects.toThrow('interrupted')
  await expectUsable(worker)
})
