import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { StreamInbox } from '../../../src/actors/stream-inbox.ts'
import { ItemOutlet } from '../../../src/child/stream/item-outlet.ts'
import { ItemReader } from '../../../src/transport/codec/item-reader.ts'
import { messageCodec } from '../../../src/transport/codec/message-codec.ts'
import type { IncomingFrame } from '../../../src/transport/frame-reader.ts'
import { FrameWriter } from '../../../src/transport/frame-writer.ts'
import { defaultLimits } from '../../../src/transport/limits.ts'
import { collector } from '../../support/frame-collector.ts'
import { RecordingTransport } from '../../support/recording-transport.ts'

const codec = messageCodec(defaultLimits)
const itemReader = new ItemReader(codec, defaultLimits)

/** Both ends of a stream, with a lane between them that moves when it is told to. */
class Link {
  readonly outlet: ItemOutlet
  readonly inbox: StreamInbox
  readonly taken: unknown[] = []
  overruns = 0
  frames = 0
  readonly #lane = new RecordingTransport()
  readonly #writer: FrameWriter
  readonly #far = collector({ onFrame: (frame) => this.#arrived(frame) })
  readonly #grants: [number, number][] = []
  #asked = 0

  constructor(items: number, bytes: number) {
    this.#lane.isFast = false
    this.#writer = new FrameWriter(this.#lane, codec, { schedule: () => {} })
    this.outlet = new ItemOutlet(1, codec, this.#writer)
    this.inbox = new StreamInbox(
      { items, bytes },
      {
        read: (frame) => itemReader.read(frame, frame.aux),
        grant: (_id, moreItems, moreBytes) => void this.#grants.push([moreItems, moreBytes]),
        end: () => {},
        undecodable: (error) => error as Error,
        overrun: () => void this.overruns++,
      },
    )
    this.inbox.numbered(1)
    this.inbox.sent()
  }

  #arrived(frame: IncomingFrame): void {
    this.frames++
    this.inbox.received(frame)
  }

  /** What was written leaves, and arrives. */
  move(): void {
    this.outlet.flush()
    this.#writer.flush()
    this.#lane.drain()
    this.#writer.drained()
    this.#far.transport.deliver(this.#lane.takeSent())
  }

  /** Grants arrive. */
  grant(): void {
    for (const [items, bytes] of this.#grants.splice(0)) this.outlet.grant(items, bytes)
  }

  /** Takes up to so many items of those that are there, or asks for them in advance. */
  async take(count: number): Promise<void> {
    for (let n = 0; n < count; n++) {
      this.#asked++
      void this.inbox.next().then((result) => this.taken.push(snapshot(result.value)))
    }
    // Each of them is a few promises deep.
    for (let turn = 0; turn < 5; turn++) await Promise.resolve()
  }

  get waiting(): number {
    return this.#asked - this.taken.length
  }
}

/** Memory that is yielded again and again, each time with something else in it. */
const reused = new Uint8Array(150_000)

function valueOf(size: number, kind: number, n: number): unknown {
  if (kind === 0) return n
  if (kind === 1) return 'x'.repeat(size % 20_000)
  if (kind === 2) return { n, text: 'y'.repeat(size % 300) }
  if (kind === 3) return new Map([[n, new Date(size)]])
  const bytes = reused.subarray(0, size)
  bytes.fill(n)
  return { n, bytes }
}

/** What a value is now: its memory will be used again. */
const snapshot = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'bytes' in value
    ? {
        ...value,
        bytes: createHash('sha1')
          .update(value.bytes as Uint8Array)
          .digest('hex'),
      }
    : value

const items = fc.array(
  fc.tuple(
    fc.oneof(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 150_000 })),
    fc.integer({ min: 0, max: 4 }),
  ),
  {
    minLength: 1,
    maxLength: 25,
  },
)
const steps = fc.array(fc.constantFrom('give', 'give', 'give', 'flush', 'move', 'grant', 'take', 'ask'), {
  maxLength: 120,
})
const windows = fc.tuple(
  fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 100 })),
  fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 1_000_000 })),
)

describe('the credits of a stream', () => {
  test('whatever is taken when, all items come, as they were, in order, and never more than was granted', async () => {
    await fc.assert(
      fc.asyncProperty(windows, items, steps, async ([windowItems, windowBytes], given, order) => {
        const link = new Link(windowItems, windowBytes)
        const expected: unknown[] = []
        const give = (): void => {
          const next = given[expected.length]
          if (next === undefined || !link.outlet.wantsMore) return
          const value = valueOf(next[0], next[1], expected.length)
          expected.push(snapshot(value))
          link.outlet.give(value)
          expect(expected.length - link.taken.length - link.waiting).toBeLessThanOrEqual(windowItems)
        }
        for (const step of order) {
          if (step === 'give') give()
          else if (step === 'flush') link.outlet.flush()
          else if (step === 'move') link.move()
          else if (step === 'grant') link.grant()
          else await link.take(step === 'take' ? 1 : 3)
        }
        // From here on everybody does what there is to do: it must come to an end.
        for (let round = 0; round < given.length * 3 + 10; round++) {
          give()
          link.move()
          await link.take(Math.max(0, Math.min(2, given.length - link.taken.length - link.waiting)))
          link.grant()
        }
        expect(link.overruns).toBe(0)
        expect(link.taken).toEqual(expected)
        expect(expected).toHaveLength(given.length)
      }),
      { numRuns: 1000 },
    )
  }, 60_000)

  test('small items travel together', async () => {
    const link = new Link(10_000, 1_000_000)
    link.grant()
    for (let n = 0; n < 1000; n++) link.outlet.give(n)
    link.move()
    await link.take(1000)
    expect(link.taken).toEqual(Array.from({ length: 1000 }, (_, n) => n))
    expect(link.frames).toBe(1)
  })

  test('an item that is larger than the window comes as soon as half of it is free', async () => {
    const link = new Link(10, 1000)
    link.grant()
    link.outlet.give('s'.repeat(400))
    link.outlet.give('L'.repeat(5000))
    expect(link.outlet.wantsMore).toBe(true)
    const other = new Link(10, 1000)
    other.grant()
    other.outlet.give('s'.repeat(600))
    other.outlet.give('L'.repeat(5000))
    expect(other.outlet.wantsMore).toBe(false)
    other.move()
    await other.take(1)
    other.grant()
    expect(other.outlet.wantsMore).toBe(true)
    other.move()
    await other.take(1)
    expect(other.taken).toEqual(['s'.repeat(600), 'L'.repeat(5000)])
  })
})
