import { type Channel, ChannelClosedError, InterruptedError, type Worker, WorkerDiedError } from 'maltster'
import { expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { expectUsable, quietWorker, rejection, spinner, whereItCan } from './workers.ts'

useLeakCheck()

/** A call over there has begun when its first value is here. */
const begun = async (values: Channel<number>): Promise<void> => void (await values.receive())

/** Ends all foreground calls, and answers how. */
const interrupted = async (worker: Worker, call: Promise<unknown>): Promise<string> => {
  const error = rejection(call, InterruptedError)
  const { outcome } = await worker.interrupt()
  expect(await error).toMatchObject({ executed: 'unknown', collateral: false })
  return outcome
}

test('a wait that its call has begun ahead, and has not looked at, ends with it and harms nobody', async () => {
  await using worker = await quietWorker()
  const values = worker.channel<number>()
  const ready = worker.channel<number>()
  const call = worker.call(
    async (from: Channel<number>, tell: Channel<number>): Promise<number> => {
      const ahead = from.receive()
      const inLoop = from[Symbol.asyncIterator]().next()
      await tell.send(1)
      await new Promise(() => {})
      return (await ahead) + (await inLoop).value
    },
    [values, ready],
  )
  await begun(ready)
  expect(await interrupted(worker, call)).toBe('detached')
  await expectUsable(worker)
  await values.send(2)
  expect(await values.receive()).toBe(2)
  // Nor here: the channel ends before anybody looks.
  const ahead = values.receive()
  worker.kill()
  await worker.exited
  await new Promise((resolve) => setImmediate(resolve))
  expect((await rejection(ahead, ChannelClosedError)).cause).toBeInstanceOf(WorkerDiedError)
})

whereItCan('interrupt')('a call that is cut off right behind its wait harms nobody', async () => {
  const { worker, spins } = await spinner()
  await using _worker = worker
  const values = worker.channel<number>()
  const call = worker.call(
    async (from: Channel<number>): Promise<void> => {
      const { writeSync } = await import('node:fs')
      void from.receive()
      writeSync(2, 'spins\n')
      for (;;);
    },
    [values],
  )
  await spins()
  expect(await interrupted(worker, call)).toBe('interrupted')
  await expectUsable(worker)
  await values.send(2)
  expect(await values.receive()).toBe(2)
})

/** A loop over there: what it does with a channel of its own, a channel of the host, or a callback. */
const loopOf = (step: string): string => `
  const { channel } = await import('maltster/worker')
  const { writeSync } = await import('node:fs')
  const own = channel()
  async function loop(far, tell) {
    writeSync(2, 'spins\\n')
    for (;;) { ${step} }
  }
`

type Loop = (far: Channel<number>, tell: (n: number) => Promise<void>) => Promise<void>

/** A call that has been made and runs that loop. */
async function looping(worker: Worker, step: string, far: Channel<number>): Promise<{ call: Promise<void> }> {
  await worker.evaluate(loopOf(step))
  const loop = (given: Channel<number>, tell: (n: number) => Promise<void>): Promise<void> =>
    (globalThis as unknown as { loop: Loop }).loop(given, tell)
  return { call: worker.call(loop, [far, async () => {}]) }
}

whereItCan('interrupt').each([
  ['sends and receives in its own process', 'await own.send(1); await own.receive()'],
  ['looks again and again whether there is a value', 'await own.tryReceive()'],
  ['sends to the host', 'await far.send(1)'],
  ['waits for callbacks', 'await tell(1)'],
])('a call that does nothing but wait, never for long, ends by its next wait: it %s', async (_, step) => {
  const { worker, spins } = await spinner()
  await using _worker = worker
  const far = worker.channel<number>()
  const drain = (async () => {
    for await (const value of far) expect(value).toBe(1)
  })()
  const { call } = await looping(worker, step, far)
  await spins()
  expect(await interrupted(worker, call)).toMatch(/detached|interrupted/)
  far.close()
  await drain
  await expectUsable(worker)
})

whereItCan('interrupt').each([
  ['sends without waiting', 'void own.send(1)'],
  ['sends to the host without waiting', 'void far.send(1)'],
  ['calls back without waiting', 'void tell(1)'],
  ['minds no refusal', 'await own.tryReceive().catch(() => {})'],
])('a loop of waits that does not end by a refusal is cut off: it %s', async (_, step) => {
  const { worker, spins } = await spinner()
  await using _worker = worker
  const far = worker.channel<number>()
  const { call } = await looping(worker, step, far)
  await spins()
  expect(await interrupted(worker, call)).toBe('interrupted')
  far.close()
  await expectUsable(worker)
})

test('a call that minds no refusal does not get any further; the channel is open to all others', async () => {
  await using worker = await quietWorker()
  const values = worker.channel<number>({ capacity: 4 })
  const answers = worker.channel<number>()
  const background = worker.call(
    async (from: Channel<number>, to: Channel<number>) => {
      for await (const n of from) await to.send(n * 2)
    },
    [values, answers],
    { background: true },
  )
  const call = worker.call(
    async (to: Channel<number>) => {
      const { setImmediate: turn } = await import('node:timers/promises')
      const noted = { sent: 0, refused: 0 }
      Object.assign(globalThis, { noted })
      while (noted.refused < 20) {
        await turn()
        await to.send(1).then(
          () => noted.sent++,
          () => noted.refused++,
        )
      }
    },
    [values],
  )
  await begun(answers)
  expect(await interrupted(worker, call)).toBe('detached')
  // What it had sent before comes; and then what others send.
  // Until it is taken from, there may be no more room on the whole way: the loop went on until the interrupt was there.
  const sending = worker.call((to: Channel<number>) => to.send(21), [values])
  let last = 0
  for (let count = 0; last !== 42 && count < 1000; count++) last = await answers.receive()
  await sending
  expect(last).toBe(42)
  await values.send(22)
  expect(await answers.receive()).toBe(44)
  const noted = (): Promise<{ sent: number; refused: number }> =>
    worker.call(() => (globalThis as unknown as { noted: { sent: number; refused: number } }).noted)
  const { sent } = await noted()
  await worker.call(async () => {
    const { setImmediate: turn } = await import('node:timers/promises')
    const seen = (globalThis as unknown as { noted: { refused: number } }).noted
    for (let round = 0; seen.refused < 20 && round < 10_000; round++) await turn()
  })
  expect(await noted()).toEqual({ sent, refused: 20 })
  values.close()
  await background
  answers.close()
})

test('what a call has left behind after its end in order waits on', async () => {
  await using worker = await quietWorker()
  const values = worker.channel<number>()
  const answers = worker.channel<number>()
  await worker.call(
    (from: Channel<number>, to: Channel<number>) => {
      void (async () => {
        for await (const n of from) await to.send(n + 1)
      })()
    },
    [values, answers],
  )
  const endless = worker.call(
    async (to: Channel<number>) => {
      await to.send(0)
      await new Promise<void>(() => {})
    },
    [answers],
  )
  await begun(answers)
  expect(await interrupted(worker, endless)).toBe('detached')
  await values.send(1)
  expect(await answers.receive()).toBe(2)
  values.close()
  answers.close()
})
