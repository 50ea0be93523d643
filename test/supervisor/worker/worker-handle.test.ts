import {
  BackpressureError,
  CallTimeoutError,
  InterruptedError,
  WorkerDiedError,
  WorkerStoppedError,
  WorkerUnavailableError,
} from 'maltster'
import { describe, expect, test } from 'vitest'
import { useLeakCheck } from '../../support/leak-check.ts'
import { killUnnoticed } from '../../scenarios/supervision.ts'
import { ofType, recordEvents, rejection, until } from '../../scenarios/workers.ts'
import { OnePlace } from './one-place.ts'

useLeakCheck()

const ownPid = (): number => process.pid
const later = (ms: number): Promise<string> => new Promise((resolve) => setTimeout(() => resolve('late'), ms))

describe('a handle', () => {
  test('follows its worker from incarnation to incarnation', async () => {
    await using place = await new OnePlace().up()
    const { handle } = place
    const first = handle.pid
    expect([handle.name, handle.path, handle.state, handle.incarnation]).toEqual([
      'parser',
      'app/parser',
      'idle',
      1,
    ])
    expect(await handle.call(ownPid)).toBe(first)
    handle.kill()
    expect(await place.gone()).toMatchObject({ type: 'killed', signal: 'SIGKILL' })
    expect([handle.state, handle.current, handle.pid]).toEqual(['dead', undefined, undefined])
    await place.up()
    expect([handle.state, handle.incarnation, handle.current?.incarnation]).toEqual(['idle', 2, 2])
    const second = await handle.call(ownPid)
    expect(second).toBe(handle.pid)
    expect(second).not.toBe(first)
    expect(String(handle)).toMatch(
      new RegExp(`^WorkerHandle app/parser \\(\\w+, incarnation 2, pid ${second}\\)$`),
    )
  })

  test('calls made while it is down wait, in order, with their arguments as they were', async () => {
    await using place = new OnePlace()
    const { handle } = place
    const seen: number[] = []
    const list = [1]
    const calls = [1, 2, 3].map(async (number) => {
      seen.push(await handle.call((one: number, all: number[]) => one * 10 + all.length, [number, list]))
    })
    const text = handle.evaluate('6 * 7')
    const output = handle.run('console.log("hi")')
    handle.cast(() => void Object.assign(globalThis, { wasCast: true }))
    list.push(2)
    expect(handle.state).toBe('waiting')
    await place.up()
    await Promise.all(calls)
    expect(seen).toEqual([11, 21, 31])
    expect(await text).toBe(42)
    expect(await output).toMatchObject({ outcome: 'value', stdout: 'hi\n' })
    expect(await handle.evaluate('wasCast')).toBe(true)
  })

  test("with whenDown: 'reject' a call is rejected at once, and told when it is tried again", async () => {
    await using place = new OnePlace()
    const impatient = place.handle.with({ whenDown: 'reject' })
    place.become('backing-off', performance.now() + 5000)
    const before = Date.now()
    const error = await rejection(impatient.call(ownPid), WorkerUnavailableError)
    expect(error).toMatchObject({
      code: 'ERR_MALTSTER_WORKER_UNAVAILABLE',
      worker: 'app/parser',
      executed: 'no',
    })
    expect(error.retryAt).toBeGreaterThanOrEqual(before + 4900)
    expect(error.retryAt).toBeLessThanOrEqual(Date.now() + 5001)
    await rejection(place.handle.call(ownPid, [], { whenDown: 'reject' }), WorkerUnavailableError)
    expect(() => impatient.cast(ownPid)).toThrow(WorkerUnavailableError)
    const patient = impatient.call(ownPid, [], { whenDown: 'wait' })
    await place.up()
    expect(await patient).toBe(place.handle.pid)
    expect(await impatient.call(ownPid)).toBe(place.handle.pid)
  })

  test.each(['waiting', 'starting', 'stopping'] as const)(
    'so it is told, too, without a wait: a worker that is %s is tried as soon as it can be',
    async (state) => {
      await using place = new OnePlace()
      place.become(state)
      const before = Date.now()
      const error = await rejection(
        place.handle.with({ whenDown: 'reject' }).call(ownPid),
        WorkerUnavailableError,
      )
      expect(error.retryAt).toBeGreaterThanOrEqual(before)
      expect(error.retryAt).toBeLessThanOrEqual(Date.now() + 1)
      expect(error.message).toContain('is tried again as soon as it can be')
    },
  )

  test('what waits is bounded by the mailbox, in calls and in bytes', async () => {
    await using place = new OnePlace({ mailbox: { maxCalls: 2, maxBytes: 2000 } })
    const { handle } = place
    const first = handle.call((text: string) => text.length, ['x'.repeat(1100)])
    const bytes = await rejection(
      handle.call((text: string) => text, ['x'.repeat(1100)]),
      BackpressureError,
    )
    expect(bytes.message).toContain('mailbox.maxBytes')
    const second = handle.call(() => 2)
    const calls = await rejection(
      handle.call(() => 3),
      BackpressureError,
    )
    expect(calls.message).toContain('mailbox.maxCalls')
    expect(calls.executed).toBe('no')
    await place.up()
    expect(await Promise.all([first, second])).toEqual([1100, 2])
  })

  test('timeoutMs covers the wait, and a signal ends it', async () => {
    await using place = new OnePlace()
    const { handle } = place
    const controller = new AbortController()
    const aborted = handle.call(ownPid, [], { signal: controller.signal })
    const late = await rejection(handle.call(ownPid, [], { timeoutMs: 20 }), CallTimeoutError)
    expect(late).toMatchObject({ timeoutMs: 20, executed: 'no', worker: 'app/parser' })
    controller.abort(new Error('no more need'))
    await expect(aborted).rejects.toThrow('no more need')
    const started = handle.call((ms: number) => new Promise((resolve) => setTimeout(resolve, ms)), [60_000], {
      timeoutMs: 1500,
    })
    await place.up()
    expect(await rejection(started, CallTimeoutError)).toMatchObject({
      timeoutMs: expect.any(Number) as number,
    })
  })

  test('interrupt ends what waits, but for background calls', async () => {
    await using place = new OnePlace()
    const { handle } = place
    const foreground = handle.call(ownPid)
    const background = handle.call(ownPid, [], { background: true })
    expect(await handle.interrupt()).toMatchObject({ outcome: 'idle' })
    expect(await rejection(foreground, InterruptedError)).toMatchObject({ executed: 'no' })
    await place.up()
    expect(await background).toBe(handle.pid)
  })

  test('a call in flight at the death rejects with executed, and is not made again', async () => {
    await using place = await new OnePlace().up()
    const { handle } = place
    const call = handle.call(later, [60_000])
    await handle.evaluate('1')
    process.kill(handle.pid!, 'SIGKILL')
    expect(await rejection(call, WorkerDiedError)).toMatchObject({
      executed: 'unknown',
      reason: { type: 'signal', signal: 'SIGKILL' },
    })
    await place.gone()
    await place.up()
    expect(await handle.evaluate('typeof ran')).toBe('undefined')
  })

  test('retry makes it again, in the next incarnation, so often and no more', async () => {
    await using place = await new OnePlace().up()
    const { handle } = place
    const attempts: number[] = []
    const dies = (): void => process.kill(process.pid, 'SIGKILL') as unknown as void
    const when = (_: unknown, attempt: number): boolean => attempts.push(attempt) < 10
    const call = handle.call(dies, [], { retry: { times: 2, when } })
    const failed = rejection(call, WorkerDiedError)
    for (const _ of [1, 2]) {
      await place.gone()
      await place.up()
    }
    expect((await failed).executed).toBe('unknown')
    expect(attempts).toEqual([1, 2])
    expect(await place.gone()).toMatchObject({ type: 'signal' })
    const again = handle.call(ownPid, [], { retry: { times: 1 } })
    await place.up()
    expect(await again).toBe(handle.pid)
  })

  test('the pause before another attempt ends with its time, its signal, and its place', async () => {
    await using place = await new OnePlace().up()
    const { handle } = place
    const fails = (): never => {
      throw new Error('not now')
    }
    const retry = { times: 1, delayMs: 3_600_000 }
    const late = await rejection(handle.call(fails, [], { timeoutMs: 1000, retry }), CallTimeoutError)
    expect(late).toMatchObject({ timeoutMs: 1000, executed: 'yes', cause: { message: 'not now' } })
    const controller = new AbortController()
    let paused = 0
    const when = (): boolean => ++paused > 0
    const cut = handle.call(fails, [], { signal: controller.signal, retry: { ...retry, when } })
    const noted = rejection(cut, Error)
    await until('it pauses', () => paused === 1)
    controller.abort(new Error('enough'))
    expect((await noted).message).toBe('enough')
    const stopped = rejection(handle.call(fails, [], { retry: { ...retry, when } }), Error)
    await until('it pauses', () => paused === 2)
    await place.terminate()
    expect((await stopped).message).toBe('not now')
  })

  test('a pause that no timer can take is the longest there is, not none', async () => {
    await using place = await new OnePlace().up()
    const { handle } = place
    for (const delayMs of [Infinity, () => Infinity, () => 2 ** 31]) {
      const attempts: number[] = []
      const call = handle.call(
        () => {
          throw new Error('not now')
        },
        [],
        { timeoutMs: 1000, retry: { times: 3, delayMs, when: (_, attempt) => attempts.push(attempt) > 0 } },
      )
      await rejection(call, CallTimeoutError)
      expect(attempts).toEqual([1])
    }
    const nonsense = handle.call(
      () => {
        throw new Error('not now')
      },
      [],
      { retry: { times: 1, delayMs: () => NaN } },
    )
    expect((await rejection(nonsense, TypeError)).message).toContain('`delayMs` of `retry`')
  })

  test('a call made between a death and its exit event reaches the next incarnation', async () => {
    await using place = await new OnePlace().up()
    const { handle } = place
    const first = handle.pid!
    killUnnoticed(first)
    const row = { id: 1 }
    expect(handle.state).toBe('idle')
    const calls = [
      handle.call(ownPid),
      handle.call((one: { id: number }) => one.id, [row]),
      handle.evaluate<number>('process.pid'),
    ]
    row.id = 2
    await place.gone()
    await place.up()
    expect(await Promise.all(calls)).toEqual([handle.pid, 1, handle.pid])
    expect(handle.pid).not.toBe(first)
  })

  test('so do those that come right behind the signal, while the process is ending', async () => {
    await using place = await new OnePlace().up()
    const { handle } = place
    for (let round = 0; round < 5; round++) {
      const first = await handle.call(ownPid)
      process.kill(first, 'SIGKILL')
      const calls = [handle.call(ownPid), handle.call((one: number) => one + 1, [round])] as const
      await place.gone()
      await place.up()
      expect(await Promise.all(calls)).toEqual([handle.pid, round + 1])
      expect(handle.pid).not.toBe(first)
    }
  })

  test('arguments that were not remembered are not sent a second time: the call says that it did not run', async () => {
    await using place = await new OnePlace().up()
    killUnnoticed(place.handle.pid!)
    const map = new Map([[1, 2]])
    const error = await rejection(
      place.handle.call((one: Map<number, number>) => one.size, [map]),
      WorkerDiedError,
    )
    expect(error.executed).toBe('no')
  })

  test('what waits in the mailbox of a worker that dies goes to the next one', async () => {
    const lines: string[] = []
    await using place = await new OnePlace({ concurrency: 1, stdout: (line) => lines.push(line) }).up()
    const { handle } = place
    const held = handle.call(() => {
      console.log('begun')
      return new Promise(() => {})
    })
    const waiting = handle.call(ownPid)
    await until('it has begun', () => lines.includes('begun'))
    handle.kill()
    expect(await rejection(held, WorkerDiedError)).toMatchObject({ executed: 'unknown' })
    await place.gone()
    await place.up()
    expect(await waiting).toBe(handle.pid)
  })

  test('a deliberate stop sticks: what waits is refused, and so is what comes', async () => {
    await using place = await new OnePlace().up()
    const { handle } = place
    const stopping = handle.stop()
    const waiting = handle.call(ownPid)
    expect(await rejection(waiting, WorkerStoppedError)).toMatchObject({ executed: 'no' })
    await stopping
    expect(handle.state).toBe('stopped')
    await rejection(handle.call(ownPid), WorkerStoppedError)
    await rejection(handle.whenUp(), WorkerStoppedError)
    expect(place.exits).toMatchObject([{ type: 'shutdown', exitCode: 0 }])
    await place.up()
    expect((await handle.whenUp()).pid).toBe(handle.pid)
  })

  test.each(['finished', 'skipped', 'removed'] as const)(
    'in a place that is %s nothing waits',
    async (state) => {
      await using place = new OnePlace()
      using recorded = recordEvents({ types: ['cast.failed'] })
      const waiting = place.handle.call(ownPid)
      place.handle.cast(ownPid)
      place.become(state)
      const error = await rejection(waiting, WorkerUnavailableError)
      expect(error.retryAt).toBe(undefined)
      await rejection(place.handle.call(ownPid), WorkerUnavailableError)
      expect(ofType(recorded.events, 'cast.failed')).toMatchObject([
        { path: 'app/parser', error: { code: 'ERR_MALTSTER_WORKER_UNAVAILABLE' } },
      ])
    },
  )

  test('wrong options are refused before anything waits', async () => {
    await using place = new OnePlace()
    const { handle } = place
    await expect(handle.call(ownPid, [], { whenDwn: 'wait' } as never)).rejects.toThrow(/`whenDown`\?/)
    await expect(handle.call(ownPid, [], { whenDown: 'later' } as never)).rejects.toThrow(TypeError)
    await expect(handle.call(ownPid, [], { retry: { time: 1 } } as never)).rejects.toThrow(/`times`\?/)
    await expect(handle.call(ownPid, [], { timeoutMs: -1 })).rejects.toThrow(RangeError)
    expect(() => handle.with({ whenDown: 1 } as never)).toThrow(TypeError)
    await expect(handle.evaluate(7 as never)).rejects.toThrow(TypeError)
  })
})
