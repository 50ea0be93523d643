import { CallTimeoutError, InterruptedError, WorkerStoppedError, WorkerUnavailableError } from 'maltster'
import { expect, test } from 'vitest'
import { useLeakCheck } from '../../support/leak-check.ts'
import { rejection, until } from '../../scenarios/workers.ts'
import { OnePlace } from './one-place.ts'

useLeakCheck()

const dies = (): void => process.kill(process.pid, 'SIGKILL') as unknown as void
const fails = (): never => {
  throw new Error('mine')
}
const retry = { times: 5 }

/** A call that kills its worker, whose place then has it wait. */
async function handled(place: OnePlace, timeoutMs?: number): Promise<unknown> {
  const call = place.handle.call(dies, [], timeoutMs === undefined ? { retry } : { retry, timeoutMs })
  call.catch(() => {})
  await place.gone()
  place.become('backing-off', performance.now() + 60_000)
  return call
}

test('a call that ran and waits to run again says so when its time is over', async () => {
  await using place = await new OnePlace().up()
  const call = handled(place, 1500)
  expect(await rejection(call, CallTimeoutError)).toMatchObject({
    timeoutMs: 1500,
    executed: 'unknown',
    cause: { name: 'WorkerDiedError', executed: 'unknown' },
  })
})

test('so it does when it is interrupted in its wait, or its worker is stopped for good', async () => {
  await using place = await new OnePlace().up()
  const { handle } = place
  const cut = handled(place)
  await until('it waits', () => handle.state === 'backing-off')
  await handle.interrupt()
  expect(await rejection(cut, InterruptedError)).toMatchObject({
    collateral: false,
    executed: 'unknown',
    cause: { name: 'WorkerDiedError' },
  })
  await place.up()
  const refused = handled(place)
  await until('it waits', () => handle.state === 'backing-off')
  place.become('stopped')
  const error = await rejection(refused, WorkerStoppedError)
  expect(error).toMatchObject({ executed: 'unknown', cause: { name: 'WorkerDiedError' } })
  expect(error.message).toContain('An earlier attempt may have run.')
})

test('what threw has run, also if its time is over before the next attempt, or that does not arrive', async () => {
  await using place = await new OnePlace().up()
  const { handle } = place
  const slow = handle.call(fails, [], { timeoutMs: 1000, retry: { times: 1, delayMs: 3_600_000 } })
  expect(await rejection(slow, CallTimeoutError)).toMatchObject({
    executed: 'yes',
    cause: { message: 'mine' },
  })
  let isLost = false
  const when = (): boolean => {
    place.run?.stop(0)
    place.become('stopped')
    return (isLost = true)
  }
  const lost = handle.call(fails, [], { retry: { times: 1, delayMs: 1, when } })
  expect(await rejection(lost, Error)).toMatchObject({ executed: 'yes', message: 'mine' })
  expect(isLost).toBe(true)
  await place.gone()
})

test("with whenDown: 'reject' another attempt does not wait either, and says when there may be one", async () => {
  await using place = await new OnePlace().up()
  const { handle } = place
  const options = { whenDown: 'reject', retry: { times: 2, delayMs: 300 } } as const
  const call = handle.call(dies, [], options)
  call.catch(() => {})
  await place.gone()
  place.become('backing-off', performance.now() + 60_000)
  const before = Date.now()
  const error = await rejection(call, WorkerUnavailableError)
  expect(error).toMatchObject({ executed: 'unknown', cause: { name: 'WorkerDiedError' } })
  expect(error.retryAt).toBeGreaterThan(before + 50_000)
})
