import { Readable } from 'node:stream'

import { startGuest } from '../child/guest.ts'
import type { LaunchedProcess, Launcher, ProcessExit } from '../transport/launcher.ts'
import { memoryTransportPair } from '../transport/memory-transport.ts'

const fatal: ReadonlySet<NodeJS.Signals> = new Set([
  'SIGKILL',
  'SIGTERM',
  'SIGINT',
  'SIGHUP',
  'SIGQUIT',
  'SIGABRT',
])

/** "Starts" the worker in this process: both lanes are memory, and signals mean what can be done about them here. */
export const inProcessLauncher: Launcher = {
  kind: 'in-process',
  isGuest: true,
  isLocal: false,
  launch(): LaunchedProcess {
    const [data, workerData] = memoryTransportPair()
    const [control, workerControl] = memoryTransportPair()
    let exit: ProcessExit | undefined
    let tell: (exit: ProcessExit) => void = () => {}
    const end = (how: ProcessExit): void => {
      if (exit !== undefined) return
      exit = how
      setImmediate(() => tell(how))
    }
    const guest = startGuest({
      data: workerData,
      control: workerControl,
      onExit: (exitCode) => end({ exitCode, signal: null }),
    })
    return {
      pid: process.pid,
      data,
      control,
      stdout: Readable.from([]),
      stderr: Readable.from([]),
      onExit: (listener) => {
        tell = listener
      },
      onFailed: () => {},
      signalGroup: (signal) => {
        if (signal === 'SIGSTOP') guest.pause()
        else if (signal === 'SIGCONT') guest.resume()
        else if (fatal.has(signal)) {
          // Whatever runs there runs on: what it answers is not heard any more.
          end({ exitCode: null, signal })
          workerData.destroy()
          workerControl.destroy()
        }
      },
      ref: () => control.ref(),
      unref: () => control.unref(),
    }
  },
}
