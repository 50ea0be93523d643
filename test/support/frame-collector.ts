import { ProtocolError } from '../../src/errors/data-errors.ts'
import { FrameReader, type FrameReaderOptions, type IncomingFrame } from '../../src/transport/frame-reader.ts'
import { defaultLimits, type Limits } from '../../src/transport/limits.ts'
import type { FrameParts } from './frame-bytes.ts'
import { RecordingTransport } from './recording-transport.ts'
import { TaskQueue } from './task-queue.ts'

/** A copy of a frame, for it is used again for the next one. */
export function partsOf(frame: IncomingFrame): FrameParts {
  const { type, flags, id, aux, buffer, start, end } = frame
  const body = Buffer.from(buffer.subarray(start, end))
  return { type, flags, id, aux, body, attachments: frame.attachments.map((one) => Buffer.from(one)) }
}

/** A reader on a transport of the test's, and all that it told. */
export interface Collector {
  readonly reader: FrameReader
  readonly transport: RecordingTransport
  /** Tasks for the end of the turn. */
  readonly tasks: TaskQueue
  /** Tasks for after timers and other lanes. */
  readonly later: TaskQueue
  readonly frames: FrameParts[]
  readonly protocolErrors: ProtocolError[]
  /** Runs all tasks of both kinds, until none is left. */
  runAll(): void
  readonly closings: { error: Error | undefined; partialFrame: boolean; framesBefore: number }[]
}

/** Makes a `FrameReader` whose schedulers the test drives. Its clock stands still unless `options` has another. */
export function collector(
  options: Partial<FrameReaderOptions> = {},
  limits: Partial<Limits> = {},
): Collector {
  const tasks = new TaskQueue()
  const later = new TaskQueue()
  const frames: FrameParts[] = []
  const protocolErrors: ProtocolError[] = []
  const closings: Collector['closings'] = []
  const reader = new FrameReader(
    { ...defaultLimits, ...limits },
    {
      deferred: false,
      onFrame: (frame) => void frames.push(partsOf(frame)),
      onProtocolError: (error) => protocolErrors.push(error),
      onClosed: (error, { partialFrame }) =>
        closings.push({ error, partialFrame, framesBefore: frames.length }),
      now: () => 0,
      schedule: tasks.schedule,
      scheduleLater: later.schedule,
      ...options,
    },
  )
  const transport = new RecordingTransport()
  reader.start(transport)
  const runAll = (): void => {
    do tasks.runAll()
    while (later.runOne() || tasks.length > 0)
  }
  return { reader, transport, tasks, later, runAll, frames, protocolErrors, closings }
}
