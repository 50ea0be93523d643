import { setTimeout as sleep } from 'node:timers/promises'
import { CaptureError, EncodeError, InterruptedError, RemoteError, WorkerDiedError } from 'maltster'
import { expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { expectUsable, quietWorker, rejection, startWorker, whereItCan } from './workers.ts'

useLeakCheck()

const endless = (): never => {
  for (;;);
}
const busyFor = (ms: number): void => {
  const start = Date.now()
  while (Date.now() - start < ms);
}

whereItCan('interrupt')(
  'a call behind a background loop is ended by an interrupt, as not executed',
  async () => {
    await using worker = await quietWorker()
    worker.call(endless, [], { background: true }).catch(() => {})
    await worker.stats()
    const call = worker.call(() => 1)
    expect((await worker.interrupt()).outcome).toBe('detached')
    expect(await rejection(call, InterruptedError)).toMatchObject({ executed: 'no' })
    worker.kill()
  },
)

whereItCan('interrupt')(
  'a call that begins to spin after a background loop has ended is still ended',
  async () => {
    await using worker = await quietWorker()
    const background = worker.call(busyFor, [300], { background: true })
    const call = worker.call(endless)
    const { outcome } = await worker.interrupt()
    expect(outcome).not.toBe('idle')
    await rejection(call, InterruptedError)
    await background
    await expectUsable(worker)
  },
)

whereItCan('interrupt')('a result whose getter spins is cut off, and its call settles', async () => {
  await using worker = await quietWorker()
  const spinning = (): object => ({
    get value() {
      for (;;);
    },
  })
  for (const fn of [spinning, async () => spinning()]) {
    const call = worker.call(
      fn as () => Promise<object>,
      [],
      fn === spinning ? {} : { captures: { spinning } },
    )
    call.catch(() => {})
    await sleep(50)
    expect((await worker.interrupt()).outcome).not.toBe('idle')
    await rejection(call, InterruptedError)
    await expectUsable(worker)
  }
})

test('an error that goes in circles many times over is told', async () => {
  await using worker = await quietWorker()
  const error = await rejection(
    worker.call(() => {
      const circle = new AggregateError([], 'circle')
      circle.errors = [circle, circle, circle]
      throw circle
    }),
    RemoteError,
  )
  expect(error).toMatchObject({ message: 'circle', remoteName: 'AggregateError' })
})

test('own properties of a thrown error do not overwrite what this package says', async () => {
  await using worker = await quietWorker()
  const error = await rejection(
    worker.call(() => {
      throw Object.assign(new Error('mine'), { executed: 'no', code: 'E_MINE' })
    }),
    RemoteError,
  )
  expect(error).toMatchObject({ executed: 'yes', code: 'ERR_MALTSTER_REMOTE' })
  expect(error.properties).toEqual({ executed: 'no', code: 'E_MINE' })
})

whereItCan('interrupt')(
  'calls and interrupts go on when user code has replaced the globals they need',
  async () => {
    await using worker = await quietWorker()
    await worker.call(() => {
      const nothing = (): number => 0
      Object.assign(globalThis, { queueMicrotask: nothing, setTimeout: nothing, setImmediate: nothing })
      Object.assign(globalThis, { performance: null, Atomics: null })
      process.nextTick = nothing as never
      Symbol.for = nothing as never
      Object.assign(Object.prototype, { callId: 3 })
    })
    const call = worker.call(endless)
    call.catch(() => {})
    await sleep(50)
    expect((await worker.interrupt()).outcome).not.toBe('stuck')
    await rejection(call, InterruptedError)
    await expectUsable(worker)
    worker.kill()
  },
)

whereItCan('stdio')('everything that was printed before a stop arrives', async () => {
  let lines = 0
  const worker = await startWorker({ stdout: () => void lines++ })
  await worker.call(() => {
    for (let line = 0; line < 20_000; line++) console.log('line', line)
  })
  await worker.stop({ exitMs: 20_000 })
  expect(lines).toBe(20_000)
})

whereItCan('interrupt')('an interrupt works while a stop waits for calls', async () => {
  const worker = await quietWorker()
  const call = worker.call(endless)
  call.catch(() => {})
  const stopping = worker.stop({ drainMs: Infinity })
  await sleep(50)
  expect((await worker.interrupt()).outcome).not.toBe('idle')
  await rejection(call, InterruptedError)
  expect((await stopping).type).toBe('shutdown')
})

test('a signal that aborts while the arguments are read ends the call', async () => {
  await using worker = await quietWorker()
  const controller = new AbortController()
  const argument = {
    get value() {
      controller.abort(new Error('mine'))
      return 1
    },
  }
  const never = (given: unknown): Promise<void> => new Promise(() => given)
  const error = await rejection(worker.call(never, [argument], { signal: controller.signal }), Error)
  expect(error.message).toBe('mine')
})

test('what can not go in a capture is named by the capture, and in an argument by the argument', async () => {
  await using worker = await quietWorker()
  const bag: Record<string, unknown> = { deep: [new WeakMap()] }
  const use = (_given?: unknown): unknown => bag
  const inCapture = await rejection(worker.call(use, [], { captures: { bag } }), CaptureError)
  expect(inCapture.path).toBe('use → bag.deep[0] (WeakMap)')
  const explicit = { captures: { bag }, capture: 'explicit' } as const
  const asData = await rejection(worker.call(use, [], explicit), EncodeError)
  expect(asData.path).toBe('captures.bag.deep[0]')
  expect(asData.message).toContain('captures.bag.deep[0]')
  const inArgument = await rejection(
    worker.call(use, [{ deep: new WeakMap() }], { captures: { bag: {} } }),
    EncodeError,
  )
  expect(inArgument.path).toBe('args[0].deep')
  await expectUsable(worker)
})

test('many calls share one abort signal without a warning', async () => {
  await using worker = await quietWorker()
  const warnings: Error[] = []
  const listen = (warning: Error): void => void warnings.push(warning)
  process.on('warning', listen)
  const controller = new AbortController()
  const { signal } = controller
  const calls = Array.from({ length: 30 }, () =>
    worker.call(() => new Promise<void>(() => {}), [], { signal }),
  )
  controller.abort(new Error('all of them'))
  for (const call of calls) expect((await rejection(call, Error)).message).toBe('all of them')
  await sleep(0)
  process.off('warning', listen)
  expect(warnings).toEqual([])
})

whereItCan('process')(
  'a signal that did not end the process is not the reason of its end; one that is none is refused',
  async () => {
    await using worker = await quietWorker()
    worker.kill('SIGUSR1')
    await rejection(
      worker.call(() => process.exit(3)),
      WorkerDiedError,
    )
    expect((await worker.exited).type).toBe('exit')
    expect(() => worker.kill('SIGFOO' as 'SIGKILL')).toThrow(TypeError)
  },
)

whereItCan('process')('kill with SIGTERM is the reason when the process ends by it', async () => {
  const worker = await quietWorker()
  worker.kill('SIGTERM')
  worker.ref()
  expect(await worker.exited).toMatchObject({ type: 'killed', signal: 'SIGTERM' })
})
