import { describe, expect, it } from 'vitest'
import { RemoteError } from '../../../src/errors/call-errors.ts'
import { WorkerUnavailableError } from '../../../src/errors/supervision-errors.ts'
import { WorkerDiedError, WorkerStoppedError } from '../../../src/errors/worker-errors.ts'
import { Attempts } from '../../../src/supervisor/pool/attempts.ts'
import { throwAgain } from '../../../src/supervisor/pool/batch-runner.ts'
import { allOf } from '../../../src/supervisor/pool/mapping.ts'
import type { ItemFailure } from '../../../src/supervisor/pool/map-options.ts'
import { systemClock } from '../../../src/transport/clock.ts'
import { useLeakCheck } from '../../support/leak-check.ts'
import { exitReason, gate, simulatedPool, turns } from './simulated-crew.ts'

useLeakCheck()

const remoteError = (message: string): RemoteError =>
  new RemoteError(message, { remoteName: 'Error', remoteStack: '', properties: {} })
const stopped = (): WorkerStoppedError => new WorkerStoppedError('Stopped.', { worker: 'a', executed: 'no' })
const died = (executed: 'no' | 'unknown', cause?: unknown): WorkerDiedError =>
  new WorkerDiedError('Died.', { worker: 'a', reason: exitReason('signal'), executed, cause })

describe('the attempts at one call', () => {
  it('have run if one of them has, and may have if one of them may', () => {
    const attempts = new Attempts()
    const refusal = stopped()
    attempts.failed(died('no'))
    expect(attempts.sumUp(refusal)).toBe(refusal)
    attempts.failed(died('unknown'))
    expect(attempts.sumUp(refusal)).toMatchObject({ executed: 'unknown' })
    attempts.failed(remoteError('mine'))
    attempts.failed(died('unknown'))
    expect(attempts.sumUp(refusal)).toMatchObject({
      name: 'WorkerStoppedError',
      executed: 'yes',
      worker: 'a',
    })
    expect(attempts.count).toBe(4)
    // It may be the refusal of others, too.
    expect(refusal).toMatchObject({ executed: 'no', message: 'Stopped.' })
  })

  it('leave a refusal with the last that may have run as its cause, and say so', () => {
    const attempts = new Attempts()
    const mine = remoteError('mine')
    attempts.failed(mine)
    attempts.failed(died('no'))
    const down = new WorkerUnavailableError('Down.', { worker: 'a', retryAt: 5, cause: 'the limit' })
    const error = attempts.sumUp(down) as WorkerUnavailableError
    expect(error).toBeInstanceOf(WorkerUnavailableError)
    expect(error.cause).toBe(mine)
    expect(error.message).toBe('Down. An earlier attempt has run.')
    expect(error).toMatchObject({ retryAt: 5, executed: 'yes', code: 'ERR_MALTSTER_WORKER_UNAVAILABLE' })
    expect(error.stack).toContain('Down. An earlier attempt has run.\n')
    expect(error.stack?.split('\n').slice(1)).toEqual(down.stack?.split('\n').slice(1))
  })

  it('leave what is no refusal its own cause, and what says nothing of it as it is', () => {
    const attempts = new Attempts()
    attempts.failed(remoteError('mine'))
    expect(attempts.sumUp(died('unknown', 'oom'))).toMatchObject({ executed: 'yes', cause: 'oom' })
    const reason = new Error('enough')
    expect(attempts.sumUp(reason)).toBe(reason)
    const last = remoteError('the last')
    expect(attempts.sumUp(last)).toBe(last)
  })
})

describe('a call of a pool with `retry`', () => {
  it('that ran, and is refused when it is to run again, says that it ran, and how that ended', async () => {
    const { core } = simulatedPool({ size: 1 })
    const { opened, open } = gate()
    let ran = 0
    const fails = async (): Promise<void> => {
      ran++
      await opened
      throw remoteError('mine')
    }
    const call = core.call(fails, [], { retry: { times: 5 } })
    await turns()
    core.close()
    open()
    await expect(call).rejects.toMatchObject({
      name: 'WorkerStoppedError',
      executed: 'yes',
      cause: { message: 'mine' },
    })
    expect(ran).toBe(1)
  })

  it('that killed members until the pool gave up says that it may have run', async () => {
    const { core, crew } = simulatedPool({ size: 1 })
    const call = core.call(() => crew.lose('worker-1'), [], { retry: { times: 9 } })
    call.catch(() => {})
    await turns()
    core.ended(exitReason('escalated'))
    await expect(call).rejects.toMatchObject({
      name: 'WorkerUnavailableError',
      executed: 'unknown',
      cause: { name: 'WorkerDiedError' },
    })
  })
})

describe('an item of a map', () => {
  const numbers = [1, 2, 3]

  it('that ran, and is refused when it is to run again, says so', async () => {
    const { core } = simulatedPool({ size: 1 })
    const fails = (): never => {
      core.close()
      throw remoteError('mine')
    }
    const items = allOf({ core, clock: systemClock, items: [1], fn: fails, options: { retry: { times: 3 } } })
    await expect(items).rejects.toMatchObject({
      name: 'WorkerStoppedError',
      executed: 'yes',
      cause: { message: 'mine' },
    })
  })

  it('that threw in a batch has run, though its worker died before it could be asked what was thrown', async () => {
    const { core, crew } = simulatedPool({ size: 1 })
    const member = crew.member('worker-1')
    const usual = member.call.bind(member)
    member.call = (fn, args, options) => {
      if (fn === throwAgain) member.die('no')
      return usual(fn, args, options)
    }
    const failures: unknown[] = []
    const onError = (error: unknown, { item, workerDied }: ItemFailure<unknown>): string => {
      failures.push({ item, workerDied, error })
      return 'failed'
    }
    const fn = (n: number): number => {
      if (n === 3) throw new Error('mine')
      return n * 10
    }
    const options = { batchSize: 3, onError }
    expect(await allOf({ core, clock: systemClock, items: numbers, fn, options })).toEqual([10, 20, 'failed'])
    expect(failures).toMatchObject([{ item: 3, workerDied: true, error: { executed: 'yes' } }])
  })
})
