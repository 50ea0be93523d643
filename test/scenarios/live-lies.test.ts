import { Packr } from 'msgpackr/pack'
import { type Channel, DecodeError, ProtocolError, type Worker, WorkerDiedError } from 'maltster'
import { expect, test } from 'vitest'
import { type Action, base64, boots, fakeWorker } from '../fixtures/worker/script.ts'
import { useLeakCheck } from '../support/leak-check.ts'
import { quietWorker, expectUsable, rejection, startWorker } from './workers.ts'

useLeakCheck()

const frameType = { request: 30, reply: 31, failure: 32, withdraw: 33, release: 34 }
const packr = new Packr({ useRecords: false })
const pack = (value: unknown): string => base64(packr.pack(value))

/** A worker that says this in answer to each call, and then that the call returned `true`. */
function liar(said: readonly Action[]): Promise<Worker> {
  return startWorker(fakeWorker({ ...boots, called: [...said, { do: 'result', value: true }] }))
}

const frame = (type: number, action: object = {}): Action => ({ do: 'frame', type, id: 1, aux: 1, ...action })

test('a few answers that nobody waits for are let pass, many end the worker', async () => {
  const lie = (times: number): Action[] => [
    { ...frame(frameType.reply, { body: pack('made up') }), times },
    { ...frame(frameType.failure, { body: pack({ kind: 'released' }) }), times },
  ]
  await using few = await liar(lie(4))
  expect(await few.call(() => true)).toBe(true)
  await using many = await liar(lie(9))
  const error = await rejection(
    many.call(() => true),
    WorkerDiedError,
  )
  expect(error.reason).toMatchObject({ type: 'transport' })
  expect(error.reason.cause).toBeInstanceOf(ProtocolError)
})

test('requests of what was never given, bodies that can not be read, and notes about nothing are let pass', async () => {
  const nonsense = [
    frame(frameType.request, { id: 1, aux: 77, body: pack(['receive']) }),
    frame(frameType.request, { id: 2, aux: 0, body: pack(['call', 1]) }),
    frame(frameType.request, { id: 3, body: base64(Buffer.from([0xc1])) }),
    frame(frameType.request, { id: 4, body: pack('no array') }),
    frame(frameType.request, { id: 5, body: pack(null) }),
    frame(frameType.withdraw, { id: 99 }),
    frame(frameType.release, { id: 4_000_000_000, aux: 99 }),
    frame(frameType.failure, { id: 0, aux: 99, body: pack({ kind: 'closed', message: 'gone' }) }),
    frame(frameType.failure, { id: 0, aux: 99, body: pack(null) }),
  ]
  await using worker = await liar(nonsense)
  expect(await worker.call(() => true)).toBe(true)
  await expectAlive(worker)
})

const expectAlive = async (worker: Worker): Promise<void> => {
  expect(await worker.call(() => true)).toBe(true)
  expect(worker.state).not.toBe('dead')
}

test('a token of what there is not, or of no kind, rejects its call, and the worker lives', async () => {
  for (const row of [
    [14, 0, 77, null],
    [14, 99, 1, null],
    [14, 1, 1, null],
    [14, 1, 1, -0.5],
    [14, 1, 1, 'x'.repeat(5000)],
    [14, 1, 1, [1]],
    [14, 'channel', 1, 1],
    [14, 1, -1, 1],
    [14, 1],
  ]) {
    await using worker = await startWorker(
      fakeWorker({ ...boots, called: [frame(5, { id: undefined, aux: 0, flags: 1, body: pack([row]) })] }),
    )
    await rejection(
      worker.call(() => true),
      DecodeError,
    )
    expect(worker.state).not.toBe('dead')
  }
})

test('a result that a promise would take for another rejects its call at once', async () => {
  const token = [14, 2, 5, 'made up']
  for (const rows of [
    [[3, 'then', [1]], token],
    [[4, 'then', [1]], token],
    [[9, 'Error', 'no', 'at', 'then', [1]], token],
  ]) {
    await using worker = await startWorker(
      fakeWorker({ ...boots, called: [frame(5, { id: undefined, aux: 0, flags: 1, body: pack(rows) })] }),
    )
    const error = await rejection(
      worker.call(() => true),
      DecodeError,
    )
    expect(error.reason).toBe('thenable')
    expect(worker.state).not.toBe('dead')
  }
})

test('a flood of requests fills no memory without bounds, and hurts nobody else', async () => {
  const body = pack(['receive'])
  await using worker = await liar([{ ...frame(frameType.request, { body, rising: true }), times: 40_000 }])
  await using other = await quietWorker()
  const channel = worker.channel<number>()
  const flooded = worker.call((from: Channel<number>) => from !== undefined, [channel])
  await expectUsable(other)
  expect(await flooded).toBe(true)
  expect(worker.state).not.toBe('dead')
  channel.close()
})

test('values that are put back without end are refused', async () => {
  const body = pack(['putBack', 'made up', 0])
  await using worker = await liar([{ ...frame(frameType.request, { body, rising: true }), times: 12_000 }])
  const channel = worker.channel<string>({ capacity: 10 })
  expect(await worker.call((from: Channel<string>) => from !== undefined, [channel])).toBe(true)
  expect(await channel.size()).toBe(10_010)
  channel.close()
})

test('a number that is used twice at once is no request', async () => {
  const twice: Action = { ...frame(frameType.request, { body: pack(['receive']) }), times: 30 }
  await using worker = await liar([twice])
  const channel = worker.channel<number>()
  const error = await rejection(
    worker.call((from: Channel<number>) => from !== undefined, [channel]),
    WorkerDiedError,
  )
  expect(error.reason.cause).toBeInstanceOf(ProtocolError)
  expect(channel.closed).toBe(true)
})
