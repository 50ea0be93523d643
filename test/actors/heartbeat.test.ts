import { expect, test } from 'vitest'
import { Heartbeat, type HeartbeatVerdict } from '../../src/actors/heartbeat.ts'
import type { Clock } from '../../src/transport/clock.ts'

/** A clock that moves when it is told to, and then at once, as that of a host that was suspended does. */
class ManualClock implements Clock {
  #nowMs = 1_000_000
  #timers = new Map<number, { atMs: number; callback: () => void }>()
  #lastTimer = 0

  nowMs(): number {
    return this.#nowMs
  }

  wallTimeMs(): number {
    return this.#nowMs
  }

  setTimeout(): never {
    throw new Error('a heartbeat must not hold the event loop')
  }

  setIdleTimeout(callback: () => void, delayMs: number): number {
    this.#timers.set(++this.#lastTimer, { atMs: this.#nowMs + delayMs, callback })
    return this.#lastTimer
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as number)
  }

  get timerCount(): number {
    return this.#timers.size
  }

  /** Time passes while the host is awake: each timer fires when it is due. */
  pass(ms: number): void {
    const endsAtMs = this.#nowMs + ms
    for (;;) {
      const due = [...this.#timers].filter(([, { atMs }]) => atMs <= endsAtMs)
      const [next] = due.toSorted(([, a], [, b]) => a.atMs - b.atMs)
      if (next === undefined) break
      this.#nowMs = Math.max(this.#nowMs, next[1].atMs)
      this.#fire(next[0])
    }
    this.#nowMs = endsAtMs
  }

  /** Time passes while nothing of the host runs. */
  jump(ms: number): void {
    this.#nowMs += ms
  }

  #fire(timer: number): void {
    const { callback } = this.#timers.get(timer)!
    this.#timers.delete(timer)
    callback()
  }
}

interface Patient {
  readonly clock: ManualClock
  readonly heart: Heartbeat
  readonly pings: number[]
  readonly told: (HeartbeatVerdict | 'unresponsive')[]
  /** What the sentinel does with a ping. */
  answer: (id: number) => void
}

function patient({ intervalMs = 100, maxMissed = 3, firstAnswerMs = 0 } = {}): Patient {
  const clock = new ManualClock()
  const pings: number[] = []
  const told: Patient['told'] = []
  const heart = new Heartbeat({
    intervalMs,
    maxMissed,
    firstAnswerMs,
    clock,
    ping: (id) => {
      pings.push(id)
      self.answer(id)
    },
    emit: (verdict) => told.push(verdict),
    unresponsive: () => told.push('unresponsive'),
  })
  const self: Patient = { clock, heart, pings, told, answer: (id) => heart.pong(id, 0) }
  return self
}

const silent = (): void => {}

test('a worker that answers is pinged once an interval, and nothing is said of it', () => {
  const { clock, heart, pings, told } = patient()
  heart.start()
  expect(pings).toEqual([1])
  clock.pass(1000)
  expect(pings).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
  expect(told).toEqual([])
})

test('F27: pings in a row without an answer are said once, then nothing is sent any more', () => {
  const it = patient()
  it.heart.start()
  it.clock.pass(250)
  it.answer = silent
  it.clock.pass(349)
  expect(it.told).toEqual([])
  it.clock.pass(1)
  expect(it.told).toEqual([{ type: 'worker.frozen', silentMs: 400 }, 'unresponsive'])
  it.clock.pass(100_000)
  expect(it.told).toHaveLength(2)
  expect(it.pings).toEqual([1, 2, 3, 4, 5, 6])
})

test('the first answer may take its time, the second may not', () => {
  const it = patient({ firstAnswerMs: 5000 })
  it.answer = silent
  it.heart.start()
  it.clock.pass(4999)
  expect(it.told).toEqual([])
  it.heart.pong(1, 0)
  it.clock.pass(500)
  expect(it.told).toMatchObject([{ type: 'worker.frozen' }, 'unresponsive'])
})

test('a worker that never answers at all is frozen, too', () => {
  const it = patient({ firstAnswerMs: 5000 })
  it.answer = silent
  it.heart.start()
  it.clock.pass(5000)
  expect(it.told).toEqual([{ type: 'worker.frozen', silentMs: 5000 }, 'unresponsive'])
})

test('F27: an answer, however late, thaws it; pings go on, and it may freeze again', () => {
  const it = patient()
  it.answer = silent
  it.heart.start()
  it.clock.pass(2000)
  it.told.length = 0
  for (const id of it.pings) it.heart.pong(id, 0)
  expect(it.told).toEqual([{ type: 'worker.thawed', silentMs: 2000 }])
  it.clock.pass(1000)
  expect(it.told.slice(1)).toMatchObject([{ type: 'worker.frozen' }, 'unresponsive'])
  expect(it.pings).toHaveLength(6)
})

test('one answer is enough to count anew', () => {
  const it = patient()
  it.answer = (id) => {
    if (id % 3 === 0) it.heart.pong(id, 0)
  }
  it.heart.start()
  it.clock.pass(5000)
  expect(it.told).toEqual([])
})

test('answers that have arrived, but have not been read, are read before the verdict', () => {
  const it = patient()
  it.answer = silent
  it.heart.start()
  it.clock.pass(299)
  // The timer is due; the socket would be read right after it.
  const { setIdleTimeout } = it.clock
  it.clock.setIdleTimeout = (callback, delayMs) => {
    if (delayMs === 0) it.heart.pong(3, 0)
    return setIdleTimeout.call(it.clock, callback, delayMs)
  }
  it.clock.pass(1)
  expect(it.told).toEqual([])
})

test('a busy main thread is blocked, not frozen, and is said once each way', () => {
  const it = patient()
  it.heart.start()
  it.clock.pass(1050)
  const blockedAtMs = it.clock.nowMs()
  it.answer = (id) => it.heart.pong(id, it.clock.nowMs() - blockedAtMs)
  it.clock.pass(300)
  expect(it.told).toEqual([])
  it.clock.pass(100)
  expect(it.told).toEqual([{ type: 'worker.blocked', blockedMs: 350 }])
  it.clock.pass(5000)
  it.answer = (id) => it.heart.pong(id, 0)
  it.clock.pass(200)
  expect(it.told.slice(1)).toEqual([{ type: 'worker.unblocked', blockedMs: 5450 }])
})

test('a main thread that was back between two pings and is busy again is blocked anew', () => {
  const it = patient()
  it.answer = (id) => it.heart.pong(id, (id % 10) * 100)
  it.heart.start()
  it.clock.pass(2500)
  expect(it.told.map((told) => (told as HeartbeatVerdict).type)).toEqual([
    'worker.blocked',
    'worker.unblocked',
    'worker.blocked',
    'worker.unblocked',
    'worker.blocked',
  ])
})

test('a host that was suspended blames nobody, and counts from then on', () => {
  const it = patient()
  it.answer = silent
  it.heart.start()
  it.clock.pass(250)
  it.clock.jump(60_000)
  it.clock.pass(250)
  expect(it.told).toEqual([])
  it.clock.pass(100)
  expect(it.told).toEqual([{ type: 'worker.frozen', silentMs: 300 }, 'unresponsive'])
})

test('a host that is suspended right before a verdict does not give it', () => {
  const it = patient()
  it.answer = silent
  it.heart.start()
  it.clock.pass(299)
  const { setIdleTimeout } = it.clock
  it.clock.setIdleTimeout = (callback, delayMs) => {
    const timer = setIdleTimeout.call(it.clock, callback, delayMs)
    if (delayMs === 0) it.clock.jump(60_000)
    return timer
  }
  it.clock.pass(1)
  it.clock.setIdleTimeout = setIdleTimeout
  it.clock.pass(299)
  expect(it.told).toEqual([])
})

test('a host and a worker that were suspended together, as a laptop is, are not blocked either', () => {
  const it = patient()
  it.answer = silent
  it.heart.start()
  it.clock.pass(150)
  it.clock.jump(60_000)
  // The socket is read before the timer fires, and what the sentinel measured is from the other side of the sleep.
  it.heart.pong(1, 60_000)
  it.answer = (id) => it.heart.pong(id, 0)
  it.clock.pass(1000)
  expect(it.told).toEqual([])
})

test('a host whose loop stands still again and again, for less than an interval, hears what was said', () => {
  const it = patient()
  it.answer = silent
  it.heart.start()
  for (let round = 0; round < 50; round++) {
    it.clock.pass(100)
    it.clock.jump(90)
    it.clock.pass(0)
    it.heart.pong(it.pings.at(-1)!, 0)
  }
  expect(it.told).toEqual([])
})

test('the silence of a main thread while its process was frozen does not count as blocked', () => {
  const it = patient()
  it.answer = silent
  it.heart.start()
  it.clock.pass(10_000)
  it.told.length = 0
  for (const id of it.pings) it.heart.pong(id, 9_800)
  it.answer = (id) => it.heart.pong(id, 0)
  it.clock.pass(1000)
  expect(it.told).toEqual([{ type: 'worker.thawed', silentMs: 10_000 }])
})

test('F27: while it is paused nothing is sent and nothing said; then it counts anew', () => {
  const it = patient()
  it.answer = silent
  it.heart.start()
  it.clock.pass(250)
  it.heart.pause()
  expect(it.clock.timerCount).toBe(0)
  it.clock.pass(60_000)
  expect(it.pings).toEqual([1, 2, 3])
  it.heart.resume()
  it.clock.pass(50)
  it.heart.pong(3, 59_000)
  it.clock.pass(249)
  expect(it.told).toEqual([])
  it.clock.pass(200)
  expect(it.told).toMatchObject([{ type: 'worker.frozen' }, 'unresponsive'])
})

test('one that froze and was then suspended thaws when it is resumed', () => {
  const it = patient()
  it.answer = silent
  it.heart.start()
  it.clock.pass(1000)
  it.heart.pause()
  it.clock.pass(1000)
  it.told.length = 0
  it.heart.resume()
  it.clock.pass(50)
  it.answer = (id) => it.heart.pong(id, 0)
  it.heart.pong(3, 0)
  expect(it.told).toEqual([{ type: 'worker.thawed', silentMs: 2050 }])
  it.clock.pass(1000)
  expect(it.told).toHaveLength(1)
  expect(it.pings).toHaveLength(14)
})

test('one that froze, was suspended and resumed, and is frozen still is not reported again', () => {
  const it = patient()
  it.answer = silent
  it.heart.start()
  it.clock.pass(1000)
  it.heart.pause()
  it.heart.resume()
  it.clock.pass(10_000)
  expect(it.told).toHaveLength(2)
  it.heart.pong(1, 0)
  expect(it.told).toHaveLength(3)
})

test('once stopped it is silent for good', () => {
  const it = patient()
  it.answer = silent
  it.heart.start()
  it.clock.pass(250)
  it.heart.stop()
  it.heart.resume()
  it.heart.start()
  it.clock.pass(1000)
  it.heart.pong(1, 5000)
  expect(it.clock.timerCount).toBe(0)
  expect(it.told).toEqual([])
})

test('stopping from within `unresponsive` leaves no timer', () => {
  const clock = new ManualClock()
  const heart: Heartbeat = new Heartbeat({
    intervalMs: 10,
    maxMissed: 1,
    clock,
    ping: silent,
    emit: silent,
    unresponsive: () => heart.stop(),
  })
  heart.start()
  clock.pass(10_000)
  expect(clock.timerCount).toBe(0)
})

test.each([NaN, -5, Infinity, undefined, '9999', null])(
  'an untrusted worker that says %s of its main thread says nothing',
  (lie) => {
    const it = patient()
    it.answer = (id) => it.heart.pong(id, lie as number)
    it.heart.start()
    it.clock.pass(5000)
    expect(it.told).toEqual([])
  },
)

test('answers to pings that were never sent are no sign of life', () => {
  const it = patient()
  it.answer = () => {
    for (const id of [0, -1, 99_999, NaN]) it.heart.pong(id, 0)
  }
  it.heart.start()
  it.clock.pass(1000)
  expect(it.told).toMatchObject([{ type: 'worker.frozen' }, 'unresponsive'])
})
