import { DecodeError, ProtocolError, type Worker, WorkerDiedError } from 'maltster'
import { expect, test } from 'vitest'
import { type Action, base64, boots, fakeWorker, type Script } from '../fixtures/worker/script.ts'
import { useLeakCheck } from '../support/leak-check.ts'
import { waitUntilGone } from '../support/processes.ts'
import { expectUsable, ofType, quietWorker, recordEvents, rejection, startWorker, until } from './workers.ts'

useLeakCheck()

const frameType = { result: 5, error: 6, configure: 2, call: 4, exit: 8, interrupt: 16 }
const result = frameType.result

function liar(script: Script): Promise<Worker> {
  return startWorker(fakeWorker({ ...boots, ...script }))
}

/** The worker breaks the protocol in answer to a call: it is killed, and all know why. */
async function breaks(called: readonly Action[]): Promise<ProtocolError> {
  await using worker = await liar({ called })
  const error = await rejection(
    worker.call(() => 1),
    WorkerDiedError,
  )
  expect(error).toMatchObject({ executed: 'unknown', reason: { type: 'transport', signal: 'SIGKILL' } })
  const { cause } = await worker.exited
  expect(cause).toBeInstanceOf(ProtocolError)
  await waitUntilGone(worker.pid)
  return cause as ProtocolError
}

const nested = (depth: number): Buffer => Buffer.concat([Buffer.alloc(depth, 0x91), Buffer.from([0xc0])])

test('scenario 24: an answer that can not be decoded rejects its own call, and the next one is fine', async () => {
  const bad = (body: Uint8Array): Action => ({ do: 'frame', type: result, body: base64(body) })
  for (const body of [
    Buffer.from([0xc1]),
    Buffer.from([]),
    Buffer.from([0x92, 1]),
    Buffer.from([1, 2]),
    Buffer.from([0xd4, 0x72, 0x40]),
    Buffer.from('81a95f5f70726f746f5f5f80', 'hex'),
    nested(20_000),
  ]) {
    await using worker = await liar({ called: [bad(body)] })
    const error = await rejection(
      worker.call(() => 1),
      DecodeError,
    )
    expect(error).toMatchObject({ worker: worker.path, reason: expect.any(String) as string })
    const again = await rejection(
      worker.call(() => 1),
      DecodeError,
    )
    expect(again).not.toBe(error)
    expect(worker.state).not.toBe('dead')
  }
})

test('scenario 24: among calls in flight only the one with the broken answer fails', async () => {
  await using worker = await liar({
    called: [
      { do: 'frame', type: result, id: 1, body: base64(Buffer.from([0xc1])) },
      { do: 'result', id: 2, value: 'fine' },
      { do: 'result', id: 3, value: 'fine too' },
    ],
  })
  const calls = [worker.call(() => 1), worker.call(() => 1), worker.call(() => 1)] as Promise<unknown>[]
  const settled = await Promise.allSettled(calls)
  expect(settled).toMatchObject([
    { status: 'rejected' },
    { status: 'fulfilled', value: 'fine' },
    { status: 'fulfilled', value: 'fine too' },
  ])
})

test('scenario 24: a failure that is none is told as a fault of the worker, not as success', async () => {
  for (const hex of [
    'c0',
    '01',
    '80',
    '81a46b696e64a3666f6f',
    '81a46b696e64a67468726f776e',
    '82a46b696e64a67468726f776ea67468726f776ec0',
  ]) {
    await using worker = await liar({
      called: [{ do: 'frame', type: frameType.error, body: base64(Buffer.from(hex, 'hex')) }],
    })
    const error: unknown = await worker
      .call(() => 1)
      .then(
        () => undefined,
        (caught: unknown) => caught,
      )
    expect(error, hex).toBeInstanceOf(Error)
    expect(error, hex).toMatchObject({ worker: worker.path })
  }
})

const stray = (times: number): Action => ({ do: 'result', id: 4_000_000, times })

test('F34: sixteen answers that nobody asked for are dropped and told', async () => {
  using recorded = recordEvents({ types: ['frame.dropped'] })
  await using worker = await liar({ called: [stray(16), { do: 'result', value: 'mine' }] })
  expect(await worker.call(() => 'mine')).toBe('mine')
  expect(recorded.events).toHaveLength(16)
  expect(worker.state).not.toBe('dead')
})

test('F34: the seventeenth breaks the protocol, and nothing that follows it is believed', async () => {
  expect((await breaks([stray(17)])).message).toContain('16')
  expect(await breaks([stray(17), { do: 'result', value: 'mine' }])).toBeDefined()
})

test.each([
  ['configure', frameType.configure],
  ['call', frameType.call],
  ['exit', frameType.exit],
  ['interrupt', frameType.interrupt],
  ['0', 0],
  ['255', 255],
])('F35: a frame of type %s from a worker breaks the protocol', async (_name, type) => {
  expect((await breaks([{ do: 'frame', type }])).message).toContain(String(type))
})

test('F35: a call from a worker on its control lane breaks the protocol', async () => {
  expect(await breaks([{ do: 'frame', type: frameType.call, lane: 'control' }])).toBeDefined()
})

/** A header that announces more than comes. */
function header(parts: { bodyBytes: number; attachments?: number }): string {
  const bytes = Buffer.alloc(16)
  bytes.writeUInt32LE(parts.bodyBytes, 0)
  bytes.writeUInt8(result, 4)
  bytes.writeUInt16LE(parts.attachments ?? 0, 6)
  bytes.writeUInt32LE(1, 8)
  return base64(bytes)
}

test('F36: a frame over the limit is refused by its header alone', async () => {
  const before = process.memoryUsage().rss
  expect(await breaks([{ do: 'raw', bytes: header({ bodyBytes: 2 ** 32 - 8 }) }])).toBeDefined()
  expect(await breaks([{ do: 'raw', bytes: header({ bodyBytes: 64 * 2 ** 20 + 8 }) }])).toBeDefined()
  expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20)
})

test('F36: attachments over the limit are refused by their descriptors alone', async () => {
  const huge = Buffer.alloc(8)
  huge.writeBigUInt64LE(2n ** 52n)
  const frame = Buffer.concat([
    Buffer.from(header({ bodyBytes: 8, attachments: 1 }), 'base64'),
    Buffer.alloc(8, 0xc0),
    huge,
  ])
  expect(await breaks([{ do: 'raw', bytes: base64(frame) }])).toBeDefined()
})

test.each([
  ['an array', 'ddffffffff'],
  ['a map', 'dfffffffff'],
  ['text', 'dbffffffff'],
  ['binary', 'c6ffffffff'],
  ['many arrays', 'dd7fffffff'.repeat(100)],
])('F37: a length bomb as %s is refused, and costs no memory', async (_name, hex) => {
  const body = base64(Buffer.from(hex, 'hex'))
  await using worker = await liar({ called: [{ do: 'frame', type: result, body }] })
  const before = process.memoryUsage()
  await rejection(
    worker.call(() => 1),
    DecodeError,
  )
  const after = process.memoryUsage()
  expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(2 ** 20)
  expect(after.heapUsed - before.heapUsed).toBeLessThan(16 * 2 ** 20)
})

test('F39: a value nested 20,000 deep is refused, and another worker goes on', async () => {
  await using good = await quietWorker()
  await using worker = await liar({ called: [{ do: 'frame', type: result, body: base64(nested(20_000)) }] })
  const error = await rejection(
    worker.call(() => 1),
    DecodeError,
  )
  expect(error.reason).toBe('too-deep')
  await expectUsable(good)
})

test('F42: half an answer and then death rejects the call, once', async () => {
  using recorded = recordEvents({ types: ['call.settled', 'worker.exited'] })
  for (const part of [3, 16, 20]) {
    await using worker = await liar({
      called: [{ do: 'result', value: 'a whole answer', part }, { do: 'kill' }],
    })
    const error = await rejection(
      worker.call(() => 1),
      WorkerDiedError,
    )
    expect(error).toMatchObject({ executed: 'unknown', reason: { type: 'signal', signal: 'SIGKILL' } })
  }
  expect(ofType(recorded.events, 'worker.exited')).toHaveLength(3)
})

test('F42: a whole answer and then death is the answer', async () => {
  await using worker = await liar({ called: [{ do: 'result', value: 'said in time' }, { do: 'kill' }] })
  expect(await worker.call(() => 'said in time')).toBe('said in time')
  expect(await worker.exited).toMatchObject({ type: 'signal', signal: 'SIGKILL' })
})

test('F50: an answer after the timeout is dropped and told', async () => {
  using recorded = recordEvents({ types: ['frame.dropped', 'call.settled'] })
  await using worker = await liar({
    interrupted: [
      { do: 'result', value: 'too late' },
      { do: 'interrupted', lane: 'control', report: { outcome: 'idle', callIds: [] } },
    ],
  })
  await expect(worker.call(() => 1, [], { timeoutMs: 50 })).rejects.toMatchObject({
    name: 'CallTimeoutError',
  })
  await until('the late answer is told', () => ofType(recorded.events, 'frame.dropped').length === 1)
  expect(ofType(recorded.events, 'call.settled')).toHaveLength(1)
  expect(worker.state).not.toBe('dead')
})

test('F51: of two answers the first one counts, and the second is told', async () => {
  using recorded = recordEvents({ types: ['frame.dropped', 'call.settled'] })
  await using worker = await liar({
    called: [
      { do: 'result', value: 'first' },
      { do: 'result', value: 'second' },
    ],
  })
  expect(await worker.call(() => 'first')).toBe('first')
  await until('the second answer is told', () => ofType(recorded.events, 'frame.dropped').length === 1)
  expect(ofType(recorded.events, 'call.settled')).toHaveLength(1)
})

test('F52: an answer with the id of another worker’s call does not reach it', async () => {
  using recorded = recordEvents({ types: ['frame.dropped'] })
  await using victim = await quietWorker()
  await using worker = await liar({
    called: [
      { do: 'result', id: 2, value: 'stolen' },
      { do: 'result', value: 'own' },
    ],
  })
  await victim.call(() => 1)
  const slow = victim.call(async () => {
    const { setTimeout: wait } = await import('node:timers/promises')
    await wait(300)
    return 'right'
  })
  expect(await worker.call(() => 'own')).toBe('own')
  expect(await slow).toBe('right')
  expect(recorded.events).toMatchObject([{ path: worker.path, callId: 2 }])
})

test('F54: an answer that comes byte by byte arrives, and others do not wait for it', async () => {
  await using good = await quietWorker()
  await using worker = await liar({ called: [{ do: 'drip', value: 'drop by drop' }] })
  const dripping = worker.call(() => 'drop by drop')
  for (let n = 0; n < 20; n++) expect(await good.call((given: number) => given, [n])).toBe(n)
  expect(await dripping).toBe('drop by drop')
})

test('F54: an answer that never gets to its end is left by a time limit, and others do not wait for it', async () => {
  await using good = await quietWorker()
  await using worker = await startWorker({
    ...fakeWorker({
      ...boots,
      called: [{ do: 'result', value: 'only the first half of it', part: 20 }],
      interrupted: [
        { do: 'interrupted', lane: 'control', report: { outcome: 'detached', callIds: [1], lastCallId: 1 } },
      ],
    }),
  })
  const call = worker.call(() => 1, [], { timeoutMs: 100 })
  // The others may take longer than that on a busy machine.
  call.catch(() => {})
  for (let n = 0; n < 20; n++) expect(await good.call((given: number) => given, [n])).toBe(n)
  await expect(call).rejects.toMatchObject({ name: 'CallTimeoutError' })
  await expectUsable(good)
})

test.each(['data', 'control'] as const)(
  'scenario 45, F28: a worker that closes its %s lane and lives on is killed',
  async (lane) => {
    await using worker = await liar({ called: [{ do: 'close', lane }], stubborn: true })
    const error = await rejection(
      worker.call(() => 1),
      WorkerDiedError,
    )
    expect(error.reason).toMatchObject({ type: 'transport', signal: 'SIGKILL' })
    await waitUntilGone(worker.pid)
  },
)
