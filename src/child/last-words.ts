import { writeSync } from 'node:fs'

import type { FrameWriter } from '../transport/frame-writer.ts'
import { encodeHeader } from '../transport/frame-header.ts'
import { type DyingWords, jsonBytes } from '../transport/messages.ts'
import { frameType, headerBytes } from '../transport/protocol.ts'
import type { Transport } from '../transport/transport.ts'
import { monotonicMs } from '../transport/monotonic.ts'

const maxTextLength = 16_384

/** Tells the host which uncaught error ends this process: written at once, the event loop will not turn again. */
export function sayLastWords(controlFd: number, error: unknown): void {
  const isError = error instanceof Error
  write(controlFd, {
    name: isError ? error.name : typeof error,
    message: String(isError ? error.message : error).slice(0, maxTextLength),
    stack: isError ? String(error.stack).slice(0, maxTextLength) : '',
  })
}

/** As `sayLastWords`, of a lane that was lost: the process is about to end itself. */
export function saidLast(controlFd: number, name: string, message: string): void {
  write(controlFd, { name, message, stack: '', laneLost: true })
}

function write(controlFd: number, words: DyingWords): void {
  try {
    const body = jsonBytes(words)
    const frame = Buffer.alloc(headerBytes + Math.ceil(body.length / 8) * 8)
    encodeHeader(frame, 0, {
      bodyBytes: body.length,
      type: frameType.dying,
      flags: 0,
      attachmentCount: 0,
      id: 0,
      aux: 0,
    })
    body.copy(frame, headerBytes)
    writeSync(controlFd, frame)
  } catch {
    // The lane is full or gone: stderr has the stack as well.
  }
}

/** How long the host may take to read what a process still has to say as it exits. */
const exitFlushMs = 200

/** Writes out what waits on the data lane while the process exits, when the event loop does not turn any more. */
export function flushAtExit(lane: Transport, writer: FrameWriter): void {
  const { descriptor } = lane
  if (descriptor === undefined) return
  // What the lane has begun to write can't be finished from here, and nothing may come before it.
  if (lane.pendingBytes > 0) return
  const deadline = monotonicMs() + exitFlushMs
  for (const chunk of writer.unflushed()) {
    let at = 0
    while (at < chunk.length) {
      try {
        at += writeSync(descriptor, chunk, at)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || monotonicMs() > deadline) return
      }
    }
  }
}

/** Exits when what was printed has left: a pipe takes it piece by piece, and `process.exit()` would not wait. */
export function exitInOrder(exitCode: number): void {
  const streams = [process.stdout, process.stderr].filter((stream) => stream.writableLength > 0)
  let left = streams.length
  if (left === 0) process.exit(exitCode)
  for (const stream of streams) {
    stream.write('', () => {
      if (--left === 0) process.exit(exitCode)
    })
  }
}
