import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { FrameWriter } from '../../src/transport/frame-writer.ts'
import { frameBytes, patternBytes } from '../support/frame-bytes.ts'
import { collector, partsOf } from '../support/frame-collector.ts'
import { jsonCodec } from '../support/json-codec.ts'
import { RecordingTransport } from '../support/recording-transport.ts'
import { TaskQueue } from '../support/task-queue.ts'

/** Long enough that the task has reached its endless loop on a busy machine too. */
const untilTerminatedMs = 400

/** Runs a task that never ends, and terminates its execution in V8: neither `catch` nor `finally` runs. */
function runAndTerminate(task: () => void): void {
  expect(() => runInNewContext('task()', { task }, { timeout: untilTerminatedMs })).toThrow(
    'Script execution timed out',
  )
}

function spin(): never {
  for (;;);
}

const small = (id: number, bodyBytes: number) => ({
  type: 4,
  flags: 0,
  id,
  aux: 0,
  body: patternBytes(bodyBytes, id),
  attachments: [patternBytes(id * 10, id)].slice(0, id % 2),
})

describe('after the execution of a handler was terminated', () => {
  test('runAndTerminate() runs no finally', () => {
    const ran: string[] = []
    runAndTerminate(() => {
      try {
        spin()
      } catch {
        ran.push('catch')
      } finally {
        ran.push('finally')
      }
    })
    expect(ran).toEqual([])
  })

  test('FrameReader goes on with the next frame, losing and repeating none', () => {
    const sent = [small(1, 10), small(2, 20), small(3, 70_000), small(4, 40), small(5, 30_000)]
    const handled: number[] = []
    const { reader, transport, tasks, frames } = collector({
      deferred: true,
      onFrame: (frame) => {
        handled.push(frame.id)
        if (frame.id % 2 === 1) spin()
        frames.push(partsOf(frame))
      },
    })
    transport.deliver(Buffer.concat(sent.map(frameBytes)))
    for (let cuts = 0; cuts < 3; cuts++) {
      runAndTerminate(() => tasks.runAll())
      expect(tasks.length).toBe(0)
      reader.resume()
    }
    tasks.runAll()
    transport.deliver(frameBytes(small(6, 60)))
    tasks.runAll()
    expect(handled).toEqual([1, 2, 3, 4, 5, 6])
    expect(frames).toEqual([sent[1], sent[3], small(6, 60)].map((frame) => expect.objectContaining(frame!)))
  })

  test('FrameWriter sends what was written before and after, and nothing of the frame that was cut', () => {
    const transport = new RecordingTransport()
    const tasks = new TaskQueue()
    const writer = new FrameWriter(transport, jsonCodec(), { schedule: tasks.schedule })
    const put = (id: number, value: unknown): void => writer.frame(4, 0, id, 0, value, 'result')
    runAndTerminate(() => {
      put(1, 'before')
      put(2, ['half of it', { toJSON: spin }])
    })
    tasks.loseAll()
    writer.recover()
    put(3, 'after')
    tasks.runAll()
    const expected = [[1, 'before'] as const, [3, 'after'] as const].map(([id, value]) =>
      frameBytes({
        type: 4,
        flags: 0,
        id,
        aux: 0,
        body: Buffer.from(JSON.stringify(value)),
        attachments: [],
      }),
    )
    expect(transport.sent.toString('hex')).toBe(Buffer.concat(expected).toString('hex'))
  })
})
