import { readlinkSync, realpathSync } from 'node:fs'
import { constants } from 'node:os'

import type { LaunchedProcess, ProcessExit } from '../launcher.ts'
import type { Transport, TransportReceiver } from '../transport.ts'

/** How a shell, and what follows its custom, reports that a signal ended the program it ran. */
const signalBase = 128

/**
 * A program that stays between host and worker reports the worker's end in its own way: 128 + n for signal n. One that
 * became the worker doesn't, and there 137 is what the worker chose. Which of the two it is can be seen as soon as the
 * worker speaks, where the system shows what a process runs; elsewhere the code is left as it is.
 * @param name - what the program is called in messages
 */
export function withForkedExit(launched: LaunchedProcess, execPath: string, name: string): LaunchedProcess {
  let hasForked = false
  let wasSignalled = false
  const { pid, data, control, stdout, stderr } = launched
  const told = (exit: ProcessExit): ProcessExit => {
    if (!hasForked) return exit
    return exit.signal === null || wasSignalled ? unfolded(exit) : lost(exit.signal, name)
  }
  return {
    pid,
    data: onFirstBytes(data, () => {
      hasForked = pid !== undefined && runsSomethingElse(pid, execPath)
    }),
    control,
    stdout,
    stderr,
    onExit: (listener) => launched.onExit((exit) => listener(told(exit))),
    onFailed: (listener) => launched.onFailed(listener),
    signalGroup(signal) {
      // It goes to both, and ends both.
      wasSignalled = true
      launched.signalGroup(signal)
    },
    ref: () => launched.ref(),
    unref: () => launched.unref(),
  }
}

function unfolded(exit: ProcessExit): ProcessExit {
  const { exitCode } = exit
  if (exitCode === null || exitCode <= signalBase) return exit
  const found = Object.entries(constants.signals).find(([, number]) => number === exitCode - signalBase)
  return found === undefined ? exit : { exitCode: null, signal: found[0] as NodeJS.Signals }
}

function lost(signal: NodeJS.Signals, name: string): ProcessExit {
  const words = `the launcher ${name} was ended by ${signal} before the worker's end was known`
  return { exitCode: null, signal: null, lost: new Error(words) }
}

function runsSomethingElse(pid: number, execPath: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/exe`) !== realpathSync(execPath)
  } catch {
    return false
  }
}

/** The same lane; tells once that something has come. */
function onFirstBytes(lane: Transport, onFirst: () => void): Transport {
  const start = lane.start.bind(lane)
  lane.start = (receiver: TransportReceiver) => {
    let isFirst = true
    start({
      target: () => receiver.target(),
      received(byteLength) {
        if (isFirst) onFirst()
        isFirst = false
        receiver.received(byteLength)
      },
      drained: () => receiver.drained(),
      closed: (error) => receiver.closed(error),
    })
  }
  return lane
}
