import { writeSync } from 'node:fs'

import { encodeHeader } from '../transport/frame-header.ts'
import { type DyingWords, jsonBytes } from '../transport/messages.ts'
import { frameType, headerBytes } from '../transport/protocol.ts'

const maxTextLength = 16_384

/** Tells the host which uncaught error ends this process: written at once, the event loop will not turn again. */
export function sayLastWords(controlFd: number, error: unknown): void {
  const isError = error instanceof Error
  const words: DyingWords = {
    name: isError ? error.name : typeof error,
    message: String(isError ? error.message : error).slice(0, maxTextLength),
    stack: isError ? String(error.stack).slice(0, maxTextLength) : '',
  }
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
