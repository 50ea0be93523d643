import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { type FrameParts, frameBytes, patternBytes } from '../support/frame-bytes.ts'
import { collector, partsOf } from '../support/frame-collector.ts'

const small = (id: number, bodyBytes = 5): FrameParts => ({
  type: 4,
  flags: 16,
  id,
  aux: 7,
  body: patternBytes(bodyBytes, id),
  attachments: [],
})

/** Sizes around every boundary that the reader knows, and between them. */
const bodyBytes = fc.oneof(
  { weight: 6, arbitrary: fc.nat({ max: 40 }) },
  { weight: 2, arbitrary: fc.nat({ max: 5000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 32_700, max: 32_800 }) },
  { weight: 1, arbitrary: fc.integer({ min: 65_480, max: 65_560 }) },
  { weight: 1, arbitrary: fc.integer({ min: 16_300, max: 200_000 }) },
)

const anyFrame: fc.Arbitrary<FrameParts> = fc
  .record({
    type: fc.nat({ max: 255 }),
    flags: fc.nat({ max: 255 }),
    id: fc.nat({ max: 2 ** 32 - 1 }),
    aux: fc.nat({ max: 2 ** 32 - 1 }),
    body: bodyBytes,
    attachments: fc.oneof(
      { weight: 4, arbitrary: fc.constant<number[]>([]) },
      { weight: 1, arbitrary: fc.array(bodyBytes, { maxLength: 4 }) },
    ),
  })
  .map((frame) => ({
    ...frame,
    body: patternBytes(frame.body, frame.id),
    attachments: frame.attachments.map((size, index) => patternBytes(size, index + 1)),
  }))

const pieceBytes = fc.array(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 70_000 })), {
  minLength: 1,
  maxLength: 20,
})

/** `bytes` in pieces of the given sizes, over and over. */
function* cut(bytes: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length]!
    yield bytes.subarray(at, at + size)
    at += size
  }
}

/** Compares without a message of megabytes. */
function expectSame(actual: readonly FrameParts[], expected: readonly FrameParts[]): void {
  const text = (frames: readonly FrameParts[]): string[] =>
    frames.map(({ body, attachments, ...rest }) =>
      JSON.stringify([
        rest,
        Buffer.from(body).toString('base64'),
        attachments.map((one) => Buffer.from(one).toString('base64')),
      ]),
    )
  const [left, right] = [text(actual), text(expected)]
  const at = right.findIndex((one, index) => one !== left[index])
  expect({ count: left.length, firstDifference: at }).toEqual({ count: right.length, firstDifference: -1 })
}

describe('FrameReader', () => {
  test('hands out the frames that were sent, wherever the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 12 }), pieceBytes, (sent, sizes) => {
        const { transport, runAll, frames, protocolErrors } = collector()
        for (const piece of cut(Buffer.concat(sent.map(frameBytes)), sizes)) transport.deliver(piece)
        runAll()
        expect(protocolErrors).toEqual([])
        expectSame(frames, sent)
      }),
      { numRuns: 150 },
    )
  })

  test('hands out the same when deferred, whether tasks run after each read or late', () => {
    fc.assert(
      fc.property(
        fc.array(anyFrame, { maxLength: 12 }),
        pieceBytes,
        fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }),
        (sent, sizes, runs) => {
          const { transport, runAll, frames } = collector({ deferred: true })
          let turn = 0
          for (const piece of cut(Buffer.concat(sent.map(frameBytes)), sizes)) {
            transport.deliver(piece)
            if (runs[turn++ % runs.length]) runAll()
          }
          runAll()
          expectSame(frames, sent)
        },
      ),
      { numRuns: 150 },
    )
  })

  test('takes a stream byte by byte', () => {
    const sent = [
      small(1, 0),
      small(2, 8),
      { ...small(3, 3), attachments: [patternBytes(0), patternBytes(9)] },
      small(4),
    ]
    const { transport, frames } = collector()
    for (const piece of cut(Buffer.concat(sent.map(frameBytes)), [1])) transport.deliver(piece)
    expectSame(frames, sent)
  })

  test('gives each attachment memory of exactly its own, a large one read in place', () => {
    const attachments = [patternBytes(0), patternBytes(100_000), patternBytes(3), patternBytes(5000)]
    const targets = new Set<ArrayBufferLike>()
    const kept: ArrayBuffer[] = []
    const { reader, transport } = collector({ onFrame: (frame) => kept.push(...frame.attachments) })
    const { target } = reader
    reader.target = () => {
      const answer = target.call(reader)
      targets.add(answer.buffer)
      return answer
    }
    for (const piece of cut(frameBytes({ ...small(1), attachments }), [4096])) transport.deliver(piece)
    expect(kept.map((one) => one.byteLength)).toEqual([0, 100_000, 3, 5000])
    expect(kept.every((one, index) => Buffer.from(one).equals(attachments[index]!))).toBe(true)
    expect(targets.has(kept[1]!)).toBe(true)
  })

  test('hands out the same object for each frame, and small ones without memory of their own', () => {
    const seen = new Set<object>()
    const buffers = new Set<object>()
    const { transport } = collector({
      onFrame: (frame) => {
        seen.add(frame)
        buffers.add(frame.buffer)
      },
    })
    for (let id = 0; id < 5000; id++) transport.deliver(frameBytes(small(id)))
    expect([seen.size, buffers.size]).toEqual([1, 1])
  })

  test('copies a large frame that drips in once, not once for each drop', () => {
    const { reader, transport, runAll, frames } = collector()
    const sent = { ...small(1, 300_000), attachments: [patternBytes(20_000)] }
    const drops = [...cut(frameBytes(sent), [64])]
    const set = vi.spyOn(Uint8Array.prototype, 'set')
    const copy = vi.spyOn(Buffer.prototype, 'copy')
    for (const drop of drops) transport.deliver(drop)
    runAll()
    const bySet = set.mock.calls.reduce((sum, [source]) => sum + source.length, 0)
    const byCopy = copy.mock.results.reduce((sum, { value }) => sum + Number(value), 0)
    vi.restoreAllMocks()
    expectSame(frames, [sent])
    // Once by the test's own transport, once more by the reader for what it didn't let in directly.
    expect(bySet + byCopy).toBeLessThan(2.1 * reader.bytesReceived)
  })

  test('counts frames and bytes', () => {
    const { reader, transport } = collector()
    transport.deliver(Buffer.concat([frameBytes(small(1)), frameBytes(small(2))]))
    expect([reader.framesReceived, reader.bytesReceived]).toEqual([2, 48])
  })
})

describe('FrameReader limits', () => {
  test('refuses a body over the limit from the header alone, after the frames before it', () => {
    const { transport, frames, protocolErrors } = collector({}, { maxBodyBytes: 100 })
    const header = frameBytes({ ...small(2), body: patternBytes(101) }).subarray(0, 16)
    transport.deliver(Buffer.concat([frameBytes(small(1, 100)), header]))
    expectSame(frames, [small(1, 100)])
    expect(protocolErrors.map((error) => error.message)).toEqual([
      'A frame announces a body of 101 bytes; the limit is 100',
    ])
  })

  test('refuses a length of 2^32 - 1 without taking memory', () => {
    const { transport, protocolErrors } = collector()
    const before = process.memoryUsage().arrayBuffers
    transport.deliver(Buffer.alloc(16, 0xff))
    expect(protocolErrors).toHaveLength(1)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000)
  })

  test('refuses attachments over the limit from their descriptors alone', () => {
    const { transport, frames, protocolErrors } = collector({}, { maxAttachmentBytes: 100 })
    const over = frameBytes({ ...small(1, 8), attachments: [patternBytes(60), patternBytes(41)] })
    transport.deliver(over.subarray(0, 16 + 8 + 8))
    expect(protocolErrors).toEqual([])
    transport.deliver(over.subarray(16 + 8 + 8, 16 + 8 + 16))
    expect(protocolErrors.map((error) => error.message)).toEqual([
      'A frame announces 101 bytes of attachments; the limit is 100',
    ])
    expect(frames).toEqual([])
  })

  test('refuses attachments whose lengths add up over 2^64', () => {
    const { transport, protocolErrors } = collector()
    const bytes = frameBytes({ ...small(1, 0), attachments: [patternBytes(0), patternBytes(0)] })
    bytes.fill(0xff, 16)
    transport.deliver(bytes)
    expect(protocolErrors).toHaveLength(1)
  })

  test.each([
    ['of a small frame', { ...small(2, 5), attachments: [] }, 16 + 5],
    ['of a large body', { ...small(2, 70_001), attachments: [] }, 16 + 70_007],
    ['of an attachment', { ...small(2, 8), attachments: [patternBytes(3)] }, 16 + 8 + 8 + 5],
  ])('refuses padding that is not zero: %s', (_name, frame, at) => {
    const { transport, frames, protocolErrors } = collector()
    const bytes = frameBytes(frame)
    expect(bytes[at]).toBe(0)
    bytes[at] = 1
    transport.deliver(Buffer.concat([frameBytes(small(1)), bytes, frameBytes(small(3))]))
    expect(protocolErrors.map((error) => error.message)).toEqual(['The padding of a frame is not zero'])
    expectSame(frames, [small(1)])
  })

  test('reads nothing more after a violation, and still tells the end once', () => {
    const { reader, transport, frames, protocolErrors, closings } = collector()
    transport.deliver(Buffer.alloc(16, 0xff))
    for (let turn = 0; turn < 100; turn++) transport.deliver(frameBytes(small(turn, 4000)))
    reader.closed(undefined)
    expect(transport.isPaused).toBe(true)
    expect([frames.length, protocolErrors.length]).toEqual([0, 1])
    expect(closings).toEqual([{ error: undefined, partialFrame: false, framesBefore: 0 }])
  })

  test('turns a lack of memory into a ProtocolError', () => {
    const { transport, protocolErrors } = collector({}, { maxAttachmentBytes: Number.MAX_SAFE_INTEGER })
    const bytes = frameBytes({ ...small(1, 0), attachments: [patternBytes(8)] })
    bytes.writeBigUInt64LE(2n ** 50n, 16)
    transport.deliver(bytes)
    expect(protocolErrors[0]?.message).toBe(`No memory for a frame part of ${2 ** 50} bytes`)
  })
})

describe('FrameReader at the end of the lane', () => {
  test.each([
    ['in a header', 3],
    ['in a small frame', 17],
    ['in a large frame', 40_000],
  ])('says that it ended in the middle of a frame: %s', (_name, byteLength) => {
    const { reader, transport, closings } = collector()
    transport.deliver(frameBytes(small(1)))
    transport.deliver(frameBytes(small(2, 50_000)).subarray(0, byteLength))
    reader.closed(undefined)
    expect(closings).toEqual([{ error: undefined, partialFrame: true, framesBefore: 1 }])
  })

  test('says that it ended between frames, and why', () => {
    const { reader, transport, closings } = collector()
    const error = new Error('reset')
    transport.deliver(frameBytes(small(1)))
    reader.closed(error)
    expect(closings).toEqual([{ error, partialFrame: false, framesBefore: 1 }])
  })

  test('hands out deferred frames before it tells the end', () => {
    const { reader, transport, tasks, closings } = collector({ deferred: true })
    transport.deliver(Buffer.concat([1, 2, 3].map((id) => frameBytes(small(id)))))
    reader.closed(undefined)
    expect(closings).toEqual([])
    tasks.runAll()
    expect(closings).toEqual([{ error: undefined, partialFrame: false, framesBefore: 3 }])
  })

  test('hands nothing out after stop(), and tells the end', () => {
    const { reader, transport, tasks, frames, closings } = collector({ deferred: true })
    transport.deliver(frameBytes(small(1)))
    reader.stop()
    transport.deliver(frameBytes(small(2)))
    reader.closed(undefined)
    tasks.runAll()
    expect(frames).toEqual([])
    expect(closings).toHaveLength(1)
  })
})

describe('FrameReader budget', () => {
  const many = Buffer.concat(Array.from({ length: 100 }, (_, id) => frameBytes(small(id))))

  test('lets timers and other lanes have their turn after 2 ms, and goes on after that', () => {
    let nowMs = 0
    let count = 0
    const { transport, later } = collector({
      now: () => nowMs,
      onFrame: () => {
        nowMs += 0.1
        count++
      },
    })
    transport.deliver(many)
    // The clock is looked at after 1, 2, 4, 8, 16, 24 … frames.
    expect([count, transport.isPaused, later.length]).toEqual([24, true, 1])
    later.runOne()
    expect([count, transport.isPaused, later.length]).toEqual([48, true, 1])
    later.runAll()
    expect([count, transport.isPaused, transport.pauses]).toEqual([100, false, 1])
  })

  test('yields after a single frame that took long', () => {
    let nowMs = 0
    let count = 0
    const { transport } = collector({
      now: () => nowMs,
      onFrame: () => {
        nowMs += 5
        count++
      },
    })
    transport.deliver(many)
    expect(count).toBe(1)
  })

  test('keeps what still comes while it yields, and the end, in order', () => {
    let nowMs = 0
    const { reader, transport, later, frames, closings } = collector({
      now: () => nowMs,
      onFrame: (frame) => {
        nowMs += 3
        frames.push(partsOf(frame))
      },
    })
    transport.deliver(frameBytes(small(0)))
    transport.deliver(many)
    transport.deliver(frameBytes(small(100, 40_000)))
    reader.closed(undefined)
    expect(closings).toEqual([])
    later.runAll()
    expect(frames.map((frame) => frame.id)).toEqual([0, ...Array.from({ length: 101 }, (_, id) => id)])
    expect(closings).toEqual([{ error: undefined, partialFrame: false, framesBefore: 102 }])
  })
})

describe('FrameReader after a handler was cut off', () => {
  const cutAt = (id: number) => (frame: { id: number }) => {
    if (frame.id === id) throw new Error('cut')
  }

  test('goes on with the next frame, losing and repeating none', () => {
    const handled: number[] = []
    const cut2 = cutAt(2)
    const { transport, tasks } = collector({
      deferred: true,
      onFrame: (frame) => {
        handled.push(frame.id)
        cut2(frame)
      },
    })
    transport.deliver(Buffer.concat([1, 2, 3].map((id) => frameBytes(small(id)))))
    expect(() => tasks.runOne()).toThrow('cut')
    expect(handled).toEqual([1, 2])
    tasks.runAll()
    expect(handled).toEqual([1, 2, 3])
  })

  test('resume() goes on though what was scheduled was lost', () => {
    const { reader, transport, tasks, frames } = collector({ deferred: true })
    transport.deliver(frameBytes(small(1)))
    tasks.loseAll()
    transport.deliver(frameBytes(small(2)))
    expect(tasks.length).toBe(0)
    reader.resume()
    tasks.runAll()
    expectSame(frames, [small(1), small(2)])
  })

  test('resume() ends a pause whose continuation was lost', () => {
    let nowMs = 0
    const { reader, transport, tasks, later, frames } = collector({
      deferred: true,
      now: () => nowMs,
      onFrame: (frame) => {
        nowMs += 3
        frames.push(partsOf(frame))
      },
    })
    transport.deliver(Buffer.concat([1, 2].map((id) => frameBytes(small(id)))))
    tasks.runAll()
    later.loseAll()
    expect([frames.length, transport.isPaused]).toEqual([1, true])
    reader.resume()
    tasks.runAll()
    expect([frames.length, transport.isPaused]).toEqual([2, false])
  })

  test('memory with frames that wait is not read into', () => {
    const sent = Array.from({ length: 40 }, (_, id) => small(id, 6000))
    const { transport, tasks, frames } = collector({ deferred: true })
    for (const frame of sent) transport.deliver(frameBytes(frame))
    tasks.runAll()
    expectSame(frames, sent)
  })
})
