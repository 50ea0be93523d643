import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EncodeError } from '../../src/errors/data-errors.ts'
import type { Codec, EncodedBody } from '../../src/transport/codec.ts'
import { FrameWriter } from '../../src/transport/frame-writer.ts'
import { frameBytes, patternBytes } from '../support/frame-bytes.ts'
import { collector } from '../support/frame-collector.ts'
import { Attached, jsonCodec } from '../support/json-codec.ts'
import { RecordingTransport } from '../support/recording-transport.ts'
import { TaskQueue } from '../support/task-queue.ts'

interface Rig {
  readonly writer: FrameWriter
  readonly transport: RecordingTransport
  readonly tasks: TaskQueue
  readonly slabs: Buffer[]
}

/** A writer whose slabs are full of 0xff, so that a stale byte shows. */
function rig(codec: Codec = jsonCodec()): Rig {
  const transport = new RecordingTransport()
  const tasks = new TaskQueue()
  const slabs: Buffer[] = []
  const allocate = (byteLength: number): Buffer => {
    const slab = Buffer.alloc(byteLength, 0xff)
    slabs.push(slab)
    return slab
  }
  return {
    writer: new FrameWriter(transport, codec, { schedule: tasks.schedule, allocate }),
    transport,
    tasks,
    slabs,
  }
}

/** The bytes that a frame with this JSON must have. */
function jsonFrame(id: number, value: unknown, attachments: readonly Uint8Array[] = []): Buffer {
  return frameBytes({ type: 4, flags: 16, id, aux: 9, body: Buffer.from(JSON.stringify(value)), attachments })
}

const put = (writer: FrameWriter, id: number, value: unknown): void =>
  writer.frame(4, 16, id, 9, value, 'args')

describe('FrameWriter', () => {
  test('sends the frames of a turn in one chunk of one write, padded with zeros', () => {
    const { writer, transport, tasks } = rig()
    put(writer, 1, 'a')
    put(writer, 2, [1, 2, 3])
    writer.bytesFrame(21, 0, 3, 0, new Uint8Array(0))
    writer.bytesFrame(21, 0, 4, 0, Buffer.from('control'))
    expect([transport.writes, tasks.length]).toEqual([0, 1])
    tasks.runAll()
    expect([transport.writes, transport.chunkCount]).toEqual([1, 1])
    const ping = { type: 21, flags: 0, aux: 0, attachments: [] }
    expect(transport.sent.toString('hex')).toBe(
      Buffer.concat([
        jsonFrame(1, 'a'),
        jsonFrame(2, [1, 2, 3]),
        frameBytes({ ...ping, id: 3, body: Buffer.alloc(0) }),
        frameBytes({ ...ping, id: 4, body: Buffer.from('control') }),
      ]).toString('hex'),
    )
  })

  test('schedules one flush a turn, and one again in the next', () => {
    const { writer, transport, tasks } = rig()
    for (let turn = 1; turn <= 3; turn++) {
      put(writer, 1, 'a')
      put(writer, 2, 'b')
      expect(tasks.length).toBe(1)
      tasks.runAll()
      expect(transport.writes).toBe(turn)
    }
  })

  test('does not wait for the end of the turn once 64 KiB are together', () => {
    const { writer, transport } = rig()
    let frames = 0
    while (transport.writes === 0) put(writer, frames++, 'x'.repeat(1000))
    expect(transport.sent.length).toBeGreaterThanOrEqual(65_536)
    expect(transport.sent.length).toBeLessThan(65_536 + 1024)
  })

  test('uses one slab for ever while everything leaves at once', () => {
    const { writer, tasks, slabs } = rig()
    for (let id = 0; id < 2000; id++) {
      put(writer, id, 'x'.repeat(500))
      if (id % 3 === 0) tasks.runAll()
    }
    expect(slabs.length).toBe(1)
  })

  test('overwrites nothing that has not left, and uses slabs again once it has', () => {
    const { writer, transport, tasks, slabs } = rig()
    const expected: Buffer[] = []
    let id = 0
    const send = (count: number): void => {
      for (let index = 0; index < count; index++, id++) {
        const value = 'x'.repeat((id * 7919) % 3000)
        put(writer, id, value)
        expected.push(jsonFrame(id, value))
        if (id % 5 === 0) tasks.runAll()
      }
    }
    transport.isFast = false
    send(300)
    const slabsAtFirst = slabs.length
    expect(slabsAtFirst).toBeGreaterThan(2)
    transport.drain()
    writer.drained()
    for (let round = 0; round < 5; round++) {
      send(20)
      transport.drain()
      writer.drained()
      send(20)
    }
    transport.isFast = true
    send(200)
    tasks.runAll()
    transport.drain()
    expect(transport.sent.equals(Buffer.concat(expected))).toBe(true)
    expect(slabs.length).toBe(slabsAtFirst)
    expect(writer.pendingBytes).toBe(0)
  })

  test('sends a large body and attachments as chunks of the same write, in order; only small ones are copied', () => {
    const { writer, transport, tasks } = rig()
    const large = 'y'.repeat(200_000)
    const binary = [patternBytes(0), patternBytes(70_000), patternBytes(12_345), patternBytes(8)]
    const small = Buffer.from(binary[2]!)
    transport.isFast = false
    put(writer, 1, 'before')
    put(
      writer,
      2,
      binary.map((bytes) => new Attached(bytes)),
    )
    put(writer, 3, 'between')
    put(writer, 4, large)
    put(writer, 5, 'after')
    tasks.runAll()
    binary[1]![0]! ^= 0xff // It shows: nobody made a copy.
    binary[2]![0]! ^= 0xff // It does not: up to 64 KiB are copied.
    transport.drain()
    binary[2] = small
    const placeholders = binary.map((_, attachment) => ({ attachment }))
    const expected = [
      jsonFrame(1, 'before'),
      jsonFrame(2, placeholders, binary),
      jsonFrame(3, 'between'),
      jsonFrame(4, large),
      jsonFrame(5, 'after'),
    ]
    expect(transport.sent.equals(Buffer.concat(expected))).toBe(true)
    expect(transport.writes).toBe(3)
  })

  test('sends ready-made bodies of every size', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.nat({ max: 100 }), fc.nat({ max: 150_000 })), { maxLength: 20 }),
        (sizes) => {
          const { writer, transport, tasks } = rig()
          const bodies = sizes.map((size) => patternBytes(size))
          for (const [id, body] of bodies.entries()) writer.bytesFrame(1, 2, id, 3, body)
          tasks.runAll()
          const expected = bodies.map((body, id) =>
            frameBytes({ type: 1, flags: 2, id, aux: 3, body, attachments: [] }),
          )
          expect(transport.sent.equals(Buffer.concat(expected))).toBe(true)
        },
      ),
      { numRuns: 50 },
    )
  })

  test('encodedFrame() sends what was encoded before, small, large and with attachments', () => {
    const { writer, transport, tasks } = rig()
    const codec = jsonCodec()
    const values = ['small', 'l'.repeat(90_000), [new Attached(patternBytes(77))]]
    const bodies = values.map((value): EncodedBody => ({
      ...codec.encode(value, 'args', Buffer.alloc(1024), 0, 16),
    }))
    for (const [id, body] of bodies.entries()) writer.encodedFrame(4, 16, id, 9, body)
    tasks.runAll()
    const expected = [
      jsonFrame(0, values[0]),
      jsonFrame(1, values[1]),
      jsonFrame(2, [{ attachment: 0 }], [patternBytes(77)]),
    ]
    expect(transport.sent.equals(Buffer.concat(expected))).toBe(true)
  })

  test('adds the flags of the codec to those of the caller', () => {
    const json = jsonCodec()
    const encode: Codec['encode'] = (...args) => ({ ...json.encode(...args), flags: 1 })
    const { writer, transport, tasks } = rig({ ...json, encode })
    put(writer, 1, 'a')
    tasks.runAll()
    expect(transport.sent[5]).toBe(17)
  })

  test('counts frames and bytes, and what has not left', () => {
    const { writer, transport, tasks } = rig()
    transport.isFast = false
    put(writer, 1, 'a')
    put(writer, 2, [new Attached(patternBytes(100))])
    const bytes = jsonFrame(1, 'a').length + jsonFrame(2, [{ attachment: 0 }], [patternBytes(100)]).length
    expect([writer.framesWritten, writer.bytesWritten, writer.pendingBytes]).toEqual([2, bytes, bytes])
    tasks.runAll()
    expect(writer.pendingBytes).toBe(bytes)
    transport.drain()
    writer.drained()
    expect([writer.bytesWritten, writer.pendingBytes]).toEqual([bytes, 0])
  })

  test('what it writes, a FrameReader reads', () => {
    const { writer, transport, tasks } = rig()
    const value = [
      { a: 1 },
      'ü'.repeat(70_000),
      new Attached(patternBytes(30_000)),
      new Attached(patternBytes(0)),
    ]
    put(writer, 0, value)
    put(writer, 1, null)
    tasks.runAll()
    const { transport: incoming, frames } = collector()
    incoming.deliver(transport.sent)
    expect(frames.map((frame) => frame.id)).toEqual([0, 1])
    expect(frames[0]!.attachments.map((one) => one.length)).toEqual([30_000, 0])
  })
})

describe('FrameWriter when encoding fails', () => {
  test('leaves nothing of a frame whose value can not be sent', () => {
    const { writer, transport, tasks } = rig()
    put(writer, 1, 'a')
    expect(() => put(writer, 2, undefined)).toThrow(EncodeError)
    expect(() =>
      put(writer, 2, {
        toJSON: () => {
          throw new Error('mine')
        },
      }),
    ).toThrow('mine')
    put(writer, 3, 'c')
    tasks.runAll()
    expect(transport.sent.equals(Buffer.concat([jsonFrame(1, 'a'), jsonFrame(3, 'c')]))).toBe(true)
    expect(writer.framesWritten).toBe(2)
  })

  test('recover() sends what a terminated execution left, and lets go on', () => {
    const json = jsonCodec()
    const encode: Codec['encode'] = (value, ...rest) => {
      const body = json.encode(value, ...rest)
      // All of it is in the slab by now, and then the execution ends: no return, and no `finally` in a real one.
      if (value === 'torn') throw new Error('terminated')
      return body
    }
    const { writer, transport, tasks } = rig({ ...json, encode })
    put(writer, 1, 'a')
    expect(() => put(writer, 2, 'torn')).toThrow('terminated')
    tasks.loseAll()
    put(writer, 3, 'c')
    expect([transport.writes, tasks.length]).toEqual([0, 0])
    writer.recover()
    expect(transport.sent.equals(Buffer.concat([jsonFrame(1, 'a'), jsonFrame(3, 'c')]))).toBe(true)
    put(writer, 4, 'd')
    expect(tasks.length).toBe(1)
  })

  test('refuses to write a frame in the middle of another one', () => {
    const { writer, transport, tasks } = rig()
    const value = {
      toJSON: () => {
        put(writer, 2, 'inner')
        return 'outer'
      },
    }
    expect(() => put(writer, 1, value)).toThrow('while the value of another one is being encoded')
    put(writer, 3, 'c')
    tasks.runAll()
    expect(transport.sent.equals(jsonFrame(3, 'c'))).toBe(true)
  })

  test('refuses more attachments than a header can say', () => {
    const { writer } = rig()
    const nothing = new Uint8Array(0)
    const value = Array.from({ length: 65_536 }, () => new Attached(nothing))
    expect(() => put(writer, 1, value)).toThrow(EncodeError)
    expect(writer.pendingBytes).toBe(0)
    put(writer, 2, value.slice(1))
    expect(writer.framesWritten).toBe(1)
  })
})

describe('FrameWriter at the end', () => {
  test('unflushed() tells what would be written, without writing it', () => {
    const { writer, transport } = rig()
    put(writer, 1, 'a')
    put(writer, 2, [new Attached(patternBytes(10))])
    put(writer, 3, 'c')
    const expected = [
      jsonFrame(1, 'a'),
      jsonFrame(2, [{ attachment: 0 }], [patternBytes(10)]),
      jsonFrame(3, 'c'),
    ]
    expect(Buffer.concat(writer.unflushed()).equals(Buffer.concat(expected))).toBe(true)
    expect(transport.writes).toBe(0)
  })

  test('does nothing any more after closed()', () => {
    const { writer, transport, tasks } = rig()
    put(writer, 1, 'a')
    writer.closed()
    put(writer, 2, 'b')
    writer.bytesFrame(1, 0, 3, 0, Buffer.from('c'))
    writer.flush()
    writer.recover()
    tasks.runAll()
    expect([transport.writes, writer.pendingBytes, writer.framesWritten]).toEqual([0, 0, 1])
    expect(writer.unflushed()).toEqual([])
  })
})
