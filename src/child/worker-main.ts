import { inheritedLane, laneDescriptor } from '../transport/pipe-transport.ts'
import { connectLane } from './connect-lane.ts'
import { blockOutput } from './blocking-output.ts'
import { CallTable } from './call-table.ts'
import { openDebugger } from './debug.ts'
import { endGroup } from './end-group.ts'
import { exitInOrder, flushAtExit, saidLast, sayLastWords } from './last-words.ts'
import { OutputHold } from './output-hold.ts'
import { Runtime } from './runtime.ts'
import { runtimeFunctions } from './runtime-functions.ts'
import { cellBytes } from './sentinel-messages.ts'
import { startSentinel } from './sentinel-port.ts'
import { loadSession, sessionLabel } from './session-loader.ts'

/** The main thread of a worker process. It owns the data lane. Called once, as the first thing in the process. */
export function startWorker(): void {
  const { data: dataFd, control: controlFd } = laneDescriptor

  // First of all: from here on this process ends when its host does, whatever the main thread gets to run.
  const decision = new SharedArrayBuffer(cellBytes)
  const isRestricted = (process as { permission?: unknown }).permission !== undefined
  const sentinel = startSentinel({ controlFd, decision, isRestricted })

  const output = new OutputHold(new Int32Array(decision))
  blockOutput(output.afterWrite)
  // Without a listener SIGUSR1 opens a debugger port to every user of this machine.
  process.on('SIGUSR1', () => {})
  process.on('uncaughtExceptionMonitor', (error) => sayLastWords(controlFd, error))

  const runtime = new Runtime({
    lane: inheritedLane(dataFd),
    table: new CallTable(),
    sentinel,
    decision,
    output,
    runtimeFile: __filename,
    runtimeFiles: [__filename, sessionLabel],
    functions: (whyNotSendable) => runtimeFunctions(loadSession, whyNotSendable),
    isProcess: true,
    isRestricted,
    connect: connectLane,
    openDebugger,
    end: () => {
      // The host may well be there, and only the lane to it gone.
      saidLast(controlFd, 'LaneLostError', 'The data lane was closed while the worker was alive.')
      endGroup()
    },
    exitInOrder,
    exit: (exitCode) => process.exit(exitCode),
  })

  // What has been answered is not lost when the process exits.
  process.on('exit', () => {
    const { outgoing } = runtime
    if (outgoing !== undefined) flushAtExit(outgoing.lane, outgoing.writer)
  })
}
