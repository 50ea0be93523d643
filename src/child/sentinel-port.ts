import { Worker } from 'node:worker_threads'

import type { InterruptRequest } from '../transport/messages.ts'
import { inheritedLane } from '../transport/pipe-transport.ts'
import type { Transport } from '../transport/transport.ts'
import { openControlLane } from './control-lane.ts'
import { endGroup } from './end-group.ts'
import type { MainAnswer, SentinelData, SentinelQuestion } from './sentinel-messages.ts'
import { sentinelSource } from './sentinel-source.ts'

/** How the main thread and the sentinel talk. */
export interface SentinelPort {
  postMessage(answer: MainAnswer): void
  on(event: 'message', listener: (question: SentinelQuestion) => void): unknown
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
      // It prints nothing: to be piped it would need the streams of this thread, which are made at their first use.
      stdout: true,
      stderr: true,
      execArgv: [],
      workerData: data,
    })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_ACCESS_DENIED') throw error
    const lane = inheritedLane(data.controlFd)
    lane.ref()
    return startPort(lane, endGroup)
  }
  thread.unref()
  return thread
}

/**
 * A sentinel without a thread of its own: owns the control lane from the event loop of the thread that calls it. A ping
 * that it answers shows that the loop turns; one that it does not answer can't tell a busy process from a stopped one.
 * @param onEnd the lane is over, or holds something that is not frames, or the memory is over the limit of `watch`
 */
export function startPort(lane: Transport, onEnd: () => void): SentinelPort {
  let asked: Pick<InterruptRequest, 'upToCallId' | 'callId'> = { upToCallId: 0, callId: 0 }
  let listener: ((question: SentinelQuestion) => void) | undefined
  const report = openControlLane({
    lane,
    interruptible: false,
    onEnd,
    onInterrupt: (request) => {
      asked = request
      listener?.({ type: 'alive?', request, round: 0 })
    },
  })
  return {
    on: (_event, heard) => {
      listener = heard
    },
    postMessage: (answer) => {
      // A beat is never asked for here.
      if (answer.type === 'beat') return
      const { interruptId, callIds, lastCallId } = answer
      const outcome =
        callIds.length > 0 || Math.max(asked.upToCallId, asked.callId) > lastCallId ? 'detached' : 'idle'
      report({ interruptId, callIds, lastCallId, outcome, afterMs: 0 })
    },
  }
}
