import { expect, test } from 'vitest'
import { MainBeat } from '../../src/child/main-beat.ts'
import type { SentinelQuestion } from '../../src/child/sentinel-messages.ts'
import { startPort } from '../../src/child/sentinel-port.ts'
import type { Codec } from '../../src/transport/codec.ts'
import { FrameReader } from '../../src/transport/frame-reader.ts'
import { FrameWriter } from '../../src/transport/frame-writer.ts'
import { defaultLimits } from '../../src/transport/limits.ts'
import { memoryTransportPair } from '../../src/transport/memory-transport.ts'
import { jsonBytes, readJson } from '../../src/transport/messages.ts'
import { frameType } from '../../src/transport/protocol.ts'
import type { Transport } from '../../src/transport/transport.ts'
import { useLeakCheck } from '../support/leak-check.ts'
import { pollUntil } from '../support/processes.ts'

useLeakCheck()

interface Said {
  readonly type: number
  readonly id: number
  readonly body: Record<string, unknown>
}

interface Host {
  readonly said: Said[]
  readonly lane: Transport
  ends: number
  readonly questions: SentinelQuestion[]
  readonly answer: ReturnType<typeof startPort>['postMessage']
  send(type: number, id: number, message?: object): void
  /** The next that is said, of this type. */
  next(type: number): Promise<Said>
}

/** The host's end of a control lane whose other end is in this very thread. */
function startHost(): Host {
  const [near, far] = memoryTransportPair()
  const said: Said[] = []
  const writer = new FrameWriter(near, undefined as unknown as Codec)
  const reader = new FrameReader(defaultLimits, {
    deferred: false,
    onFrame: (frame) => said.push({ type: frame.type, id: frame.id, body: readJson(frame) }),
    onProtocolError: (error) => {
      throw error
    },
    onDrained: () => writer.drained(),
    onClosed: () => {},
  })
  reader.start(near)
  const questions: SentinelQuestion[] = []
  const port = startPort(far, () => {
    host.ends++
    far.destroy()
  })
  port.on('message', (question) => questions.push(question))
  const host: Host = {
    said,
    lane: near,
    ends: 0,
    questions,
    answer: (answer) => port.postMessage(answer),
    send: (type, id, message) =>
      writer.bytesFrame(type, 0, id, 0, message === undefined ? Buffer.alloc(0) : jsonBytes(message)),
    next: async (type) => {
      expect(await pollUntil(() => said.some((one) => one.type === type), 5000)).toBe(true)
      return said.find((one) => one.type === type)!
    },
  }
  return host
}

test('without a thread of its own: hello, pong and measurement come from the event loop', async () => {
  const host = startHost()
  host.send(frameType.ping, 7)
  host.send(frameType.measure, 8)
  expect(await host.next(frameType.hello)).toMatchObject({ body: { pid: process.pid, interruptible: false } })
  expect(await host.next(frameType.pong)).toEqual({ type: frameType.pong, id: 7, body: { mainSilentMs: 0 } })
  const { body } = await host.next(frameType.measured)
  expect(body).toMatchObject({ measureId: 8, userCpuMs: expect.any(Number) })
  expect(body['rssBytes']).toBeGreaterThan(2 ** 20)
  expect(host.questions).toEqual([])
  host.lane.close()
  expect(await pollUntil(() => host.ends > 0, 5000)).toBe(true)
  expect(host.ends).toBe(1)
})

test('without a thread of its own: an interrupt is asked and answered there', async () => {
  const host = startHost()
  host.send(frameType.interrupt, 0, { interruptId: 3, upToCallId: 9, callId: 0, graceMs: 100 })
  expect(await pollUntil(() => host.questions.length > 0, 5000)).toBe(true)
  host.answer({ type: 'beat', beat: 1 })
  host.answer({
    type: 'alive',
    interruptId: 3,
    round: 0,
    callIds: [9],
    haveEnded: false,
    lastCallId: 9,
    cutAt: undefined,
  })
  expect(await host.next(frameType.interrupted)).toMatchObject({
    body: { interruptId: 3, outcome: 'detached', callIds: [9] },
  })
  expect(host.said.filter(({ type }) => type === frameType.interrupted)).toHaveLength(1)
  host.lane.close()
  expect(await pollUntil(() => host.ends > 0, 5000)).toBe(true)
})

test('a limit of the memory: last words, then the end, once each', async () => {
  const host = startHost()
  host.send(frameType.watch, 0, { maxRssBytes: 2 ** 50 })
  host.send(frameType.watch, 0, { maxRssBytes: null })
  host.send(frameType.watch, 0, { maxRssBytes: 2 ** 20 })
  const { body } = await host.next(frameType.dying)
  expect(body).toEqual({
    name: 'MemoryLimitError',
    message: expect.stringMatching(/^The process had \d+ MiB resident; maxRssMb is 1\.$/),
    stack: '',
    outOfMemory: true,
  })
  expect(await pollUntil(() => host.ends > 0, 5000)).toBe(true)
  expect(host.said.filter(({ type }) => type === frameType.dying)).toHaveLength(1)
  expect(host.ends).toBe(1)
})

test('a lane that ends takes the watch with it', async () => {
  const host = startHost()
  host.send(frameType.watch, 0, { maxRssBytes: 2 ** 50 })
  host.lane.destroy()
  expect(await pollUntil(() => host.ends > 0, 5000)).toBe(true)
  // The leak check sees the timer if it is left.
})

test('the main thread is asked once, and again when it has answered', () => {
  const asked: number[] = []
  const beat = new MainBeat((question) => asked.push(question.beat))
  expect(beat.silentMs()).toBe(0)
  expect(beat.silentMs()).toBeGreaterThanOrEqual(0)
  beat.silentMs()
  expect(asked).toEqual([1])
  beat.answered({ type: 'beat', beat: 0 })
  beat.silentMs()
  expect(asked).toEqual([1])
  beat.answered({ type: 'beat', beat: 1 })
  expect(beat.silentMs()).toBe(0)
  expect(asked).toEqual([1, 2])
})
