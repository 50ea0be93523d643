import * as inspector from 'node:inspector'
import { parentPort, workerData } from 'node:worker_threads'

import type { InterruptRequest } from '../transport/messages.ts'
import { inheritedLane } from '../transport/pipe-transport.ts'
import { openControlLane } from './control-lane.ts'
import { endGroup } from './end-group.ts'
import { Ladder } from './ladder.ts'
import { MainBeat } from './main-beat.ts'
import { afterOwnTime } from './own-time.ts'
import { cell, type MainAnswer, type SentinelData, streamsEndMs } from './sentinel-messages.ts'

/** Between two looks at whether the streams have ended. */
const lookMs = 2

/**
 * The sentinel: the second thread of a worker process. It owns the control lane, so it answers while the main thread
 * spins, ends what spins, and ends the whole process group when the host is gone.
 */

const { controlFd, decision, isRestricted } = workerData as SentinelData
const port = parentPort
if (port === null) throw new Error('The sentinel runs in a worker thread only.')
const cells = new Int32Array(decision)

/** Whether the inspector is there and allowed. Made, not connected: that would wake the main thread for nothing. */
function canConnect(): boolean {
  // The permission model lets a session be made, and aborts the process when it connects.
  if (isRestricted) return false
  try {
    return typeof new inspector.Session().connectToMainThread === 'function'
  } catch {
    return false
  }
}

function connect(): inspector.Session | undefined {
  if (!canConnect()) return undefined
  try {
    const session = new inspector.Session()
    session.connectToMainThread()
    return session
  } catch {
    return undefined
  }
}

const waiting: InterruptRequest[] = []
let ladder: Ladder | undefined

/** One ladder at a time: two terminations under way at once can't be told apart. */
function climb(): void {
  const request = waiting.shift()
  if (request === undefined) return
  ladder = new Ladder({
    request,
    cells,
    ask: (question) => port?.postMessage(question),
    connect,
    report,
    reported: () => {
      if (waiting.length > 0) ladder?.yield()
    },
    finished: () => {
      ladder = undefined
      climb()
    },
  })
}

const mainBeat = new MainBeat((question) => port.postMessage(question))

/** Iterators of streams end themselves first, if they do so soon. */
function endGroupAfterStreams(): void {
  afterOwnTime(streamsEndMs, endGroup)
  const look = (): void => {
    if (Atomics.load(cells, cell.streams) > 0) setTimeout(look, lookMs)
    else endGroup()
  }
  look()
}

const lane = inheritedLane(controlFd)
// The lane is what keeps this thread alive.
lane.ref()
const report = openControlLane({
  lane,
  interruptible: canConnect(),
  onEnd: endGroup,
  onHostGone: endGroupAfterStreams,
  pong: () => ({ mainSilentMs: mainBeat.silentMs() }),
  onInterrupt: (request) => {
    waiting.push(request)
    if (ladder === undefined) climb()
    else if (ladder.isReported) ladder.yield()
  },
})

port.on('message', (answer: MainAnswer) => {
  if (answer.type === 'beat') mainBeat.answered(answer)
  else ladder?.answered(answer)
})
