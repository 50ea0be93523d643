import { createActor, fromCallback } from 'xstate'

import type { Clock } from '../transport/clock.ts'
import { type ProcessCommand, type WorkerEvent, workerMachine } from './worker-machine.ts'
import type { WorkerProcess } from './worker-process.ts'

/** What the machine of a worker drives, and what it is driven by. */
export interface MachineSurroundings {
  readonly process: WorkerProcess
  readonly clock: Clock
  readonly bootTimeoutMs: number
  /** Calls that wait are refused from here on. */
  readonly refuseCalls: () => void
  /** Given, at the start, what sends the process's events back. */
  readonly connected: (sendBack: (event: WorkerEvent) => void) => void
}

function obey(process: WorkerProcess, command: ProcessCommand): void {
  if (command.type === 'process.askExit') process.askExit()
  else if (command.type === 'process.terminate') process.signal('SIGTERM')
  else if (command.type === 'process.kill') process.kill(command.because)
  else if (command.type === 'process.suspend') process.signal('SIGSTOP')
  else process.signal('SIGCONT')
}

/** The machine of a worker with a real process, and with time as it is given. Not started. */
export function machineActor(surroundings: MachineSurroundings) {
  const { process, clock, bootTimeoutMs, refuseCalls, connected } = surroundings
  const driven = fromCallback<ProcessCommand>(({ sendBack, receive }) => {
    connected(sendBack)
    receive((command) => obey(process, command))
  })
  const provided = workerMachine.provide({ actors: { process: driven }, actions: { refuseCalls } })
  return createActor(provided, {
    input: { bootTimeoutMs },
    clock: {
      // A timer of Infinity would fire at once.
      setTimeout: (callback: () => void, delayMs: number) =>
        delayMs === Infinity ? undefined : clock.setIdleTimeout(callback, delayMs),
      clearTimeout: (timer: unknown) => clock.clearTimeout(timer),
    },
  })
}
