import { Worker } from 'node:worker_threads'

import type { InterruptRequest } from '../transport/messages.ts'
import { openControlLane } from './control-lane.ts'
import type { AliveAnswer, AliveQuestion, SentinelData } from './sentinel-messages.ts'
import { sentinelSource } from './sentinel-source.ts'

/** How the main thread and the sentinel talk. */
export interface SentinelPort {
  postMessage(answer: AliveAnswer): void
  on(event: 'message', listener: (question: AliveQuestion) => void): unknown
}

/**
 * Starts the sentinel. Where the permission model allows no second thread the main thread owns the control lane
 * itself: it answers as long as its loop turns, ends calls that wait, and can't cut off anything.
 */
export function startSentinel(data: SentinelData): SentinelPort {
  let thread: Worker
  try {
    thread = new Worker(sentinelSource, {
      eval: true,
      name: 'maltster sentinel',
      stdin: false,
      execArgv: [],
      workerData: data,
    })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_ACCESS_DENIED') throw error
    return withoutThread(data.controlFd)
  }
  thread.unref()
  return thread
}

function withoutThread(controlFd: number): SentinelPort {
  let asked: Pick<InterruptRequest, 'upToCallId' | 'callId'> = { upToCallId: 0, callId: 0 }
  let listener: ((question: AliveQuestion) => void) | undefined
  const report = openControlLane({
    fd: controlFd,
    interruptible: false,
    onInterrupt: (request) => {
      asked = request
      listener?.({ type: 'alive?', request, round: 0 })
    },
  })
  return {
    on: (_event, heard) => {
      listener = heard
    },
    postMessage: ({ interruptId, callIds, lastCallId }) => {
      const outcome =
        callIds.length > 0 || Math.max(asked.upToCallId, asked.callId) > lastCallId ? 'detached' : 'idle'
      report({ interruptId, callIds, lastCallId, outcome, afterMs: 0 })
    },
  }
}
