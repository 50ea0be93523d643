import { WorkerDiedError } from 'maltster'
import { command } from 'maltster/transport'
import { expect, test } from 'vitest'
import { withDeafControl } from '../fixtures/worker/deaf-control.mjs'
import { useLeakCheck } from '../support/leak-check.ts'
import { expectUsable, quietWorker, rejection, until } from './workers.ts'

useLeakCheck()

/** Takes memory outside of the heap of V8 and never lets the loop turn; ends by itself if nobody ends it. */
function takeBuffers(mebibytes: number): string {
  const endsAt = performance.now() + 20_000
  const taken: Buffer[] = []
  while (performance.now() < endsAt) {
    if (taken.length < mebibytes) taken.push(Buffer.alloc(1024 * 1024, 1))
  }
  return `survived with ${taken.length} MiB`
}

test('maxRssMb: buffers count, and a loop that never turns does not hide them', async () => {
  await using worker = await quietWorker({ maxRssMb: 200 })
  const error = await rejection(worker.call(takeBuffers, [600]), WorkerDiedError)
  expect(error.reason).toMatchObject({
    type: 'out-of-memory',
    signal: 'SIGKILL',
    cause: {
      name: 'MemoryLimitError',
      message: expect.stringMatching(/^The process had \d+ MiB resident; maxRssMb is 200\.$/),
    },
  })
  expect(await worker.exited).toBe(error.reason)
})

test('maxRssMb: what a worker that is idle takes counts too, and what it started ends with it', async () => {
  await using worker = await quietWorker({ maxRssMb: 200 })
  await worker.call(() => {
    const taken: Buffer[] = []
    const timer = setInterval(() => {
      if (taken.length < 60) taken.push(Buffer.alloc(10 * 1024 * 1024, 1))
      else clearInterval(timer)
    }, 5)
  })
  expect(await worker.exited).toMatchObject({ type: 'out-of-memory', cause: { name: 'MemoryLimitError' } })
})

test('maxRssMb: an error that was survived before is not taken for the cause', async () => {
  await using worker = await quietWorker({ maxRssMb: 200 })
  let wasTold = false
  await worker.call(() => {
    process.on('uncaughtException', () => {})
    setImmediate(() => {
      throw new Error('survived')
    })
  })
  await worker.call(() => new Promise((resolve) => setTimeout(resolve, 20)))
  void worker.exited.then(() => (wasTold = true))
  await rejection(worker.call(takeBuffers, [600]), WorkerDiedError)
  await until('its end is told', () => wasTold)
  expect(await worker.exited).toMatchObject({ type: 'out-of-memory', cause: { name: 'MemoryLimitError' } })
})

test('maxRssMb: a worker below it lives', async () => {
  await using worker = await quietWorker({ maxRssMb: 1000 })
  expect(
    await worker.call(async () => {
      const taken = Buffer.alloc(100 * 1024 * 1024, 1)
      await new Promise((resolve) => setTimeout(resolve, 300))
      return taken.length
    }),
  ).toBe(100 * 1024 * 1024)
  await expectUsable(worker)
})

/** Node.js 24 knows it by another name. */
const permissionFlag = process.allowedNodeEnvironmentFlags.has('--permission')
  ? '--permission'
  : '--experimental-permission'

test('that no running code can be cut off is known from the first moment, though nothing else is heard of it', async () => {
  const deaf = withDeafControl(command(['env'], { lanes: 'inherit' }))
  const restricted = await quietWorker({ launcher: deaf, execArgv: [permissionFlag, '--allow-fs-read=*'] })
  expect(restricted.capabilities.interrupt).toBe(false)
  await restricted.stop()
})

test('maxRssMb: without a second thread the main thread looks, while its loop turns', async () => {
  await using worker = await quietWorker({
    maxRssMb: 200,
    execArgv: [permissionFlag, '--allow-fs-read=*'],
  })
  expect(worker.capabilities.interrupt).toBe(false)
  await worker.call(() => {
    const taken: Buffer[] = []
    const timer = setInterval(() => {
      if (taken.length < 60) taken.push(Buffer.alloc(10 * 1024 * 1024, 1))
      else clearInterval(timer)
    }, 5)
  })
  expect(await worker.exited).toMatchObject({ type: 'out-of-memory', cause: { name: 'MemoryLimitError' } })
})

test('maxHeapMb: objects over it end the worker, and V8’s own words say so', async () => {
  await using worker = await quietWorker({ maxHeapMb: 64 })
  const grow = (): number => {
    const taken: number[][] = []
    while (taken.length < 2000) taken.push(Array.from({ length: 100_000 }, (_, index) => index + 0.5))
    return taken.length
  }
  const { reason } = await rejection(worker.call(grow), WorkerDiedError)
  expect(reason.type).toBe('out-of-memory')
  expect(reason.stderrTail).toMatch(/heap/)
})
