import { constants } from 'node:os'

import { aFunction, checkOptions, delayOrNeverMs, type OptionCheck } from '../actors/option-checks.ts'
import { hostProcesses } from './host-processes.ts'
import { root } from './root.ts'

/** How a host ends that was told to by a signal. */
export interface SignalShutdownOptions {
  /** Which signals mean it. Default SIGINT and SIGTERM. */
  readonly signals?: readonly NodeJS.Signals[]
  /** How long the whole tree may take to stop in order, in milliseconds; then what is left is killed. Default 30000. */
  readonly timeoutMs?: number
  /** Called first, and awaited: to take no more work, to say so in a log. What it throws is a process warning. */
  readonly before?: (signal: NodeJS.Signals) => unknown
}

/** Of the signals of this system, those that a process can hear. */
const isHeard = (one: unknown): boolean =>
  typeof one === 'string' && Object.hasOwn(constants.signals, one) && one !== 'SIGKILL' && one !== 'SIGSTOP'

const signalNames: OptionCheck = (value) =>
  Array.isArray(value) && value.length > 0 && Array.from(value).every(isHeard)
    ? undefined
    : 'an array of signals such as `SIGTERM`, without SIGKILL and SIGSTOP, which no process hears'

/**
 * Has this process end well when it gets a signal: all trees are stopped in order, calls are drained as their
 * `shutdownMs` allows, and then the process ends by that same signal, so that whoever started it sees what it expects. A
 * second signal ends it at once, and the workers with it.
 *
 * Without it a signal ends the process as ever, and the workers with it. Source: OTP's `init:stop`; systemd and
 * Kubernetes, which send SIGTERM first.
 *
 * @param options - see `SignalShutdownOptions`
 * @returns to be disposed of when signals are to mean what they did before
 * @throws {TypeError | RangeError} for wrong options
 * @example
 * import { shutdownOnSignals, supervise } from 'maltster'
 *
 * using ending = shutdownOnSignals({ timeoutMs: 10_000 })
 * await using app = await supervise({ name: 'app', children: [{ id: 'kernel', worker: {} }] })
 * console.log(app.state) // running
 */
export function shutdownOnSignals(options: SignalShutdownOptions = {}): Disposable {
  checkOptions('shutdownOnSignals', options, {
    signals: signalNames,
    timeoutMs: delayOrNeverMs,
    before: aFunction,
  })
  const { signals = ['SIGINT', 'SIGTERM'], timeoutMs = 30_000, before = () => {} } = options
  let isEnding = false
  const dispose = (): void => {
    for (const signal of signals) process.off(signal, onSignal)
  }
  const onSignal = (signal: NodeJS.Signals): void => {
    if (isEnding) {
      dispose()
      endBy(signal)
      return
    }
    isEnding = true
    void stopTree(signal, timeoutMs, before).then(() => {
      dispose()
      endBy(signal)
    })
  }
  for (const signal of signals) process.on(signal, onSignal)
  return { [Symbol.dispose]: dispose }
}

async function stopTree(
  signal: NodeJS.Signals,
  timeoutMs: number,
  before: (signal: NodeJS.Signals) => unknown,
): Promise<void> {
  const patience = new Promise<void>((resolve) => {
    if (timeoutMs !== Infinity) setTimeout(resolve, timeoutMs).unref()
  })
  const stopped = async (): Promise<void> => {
    try {
      await before(signal)
    } catch (error) {
      const words = error instanceof Error ? (error.stack ?? error.message) : String(error)
      process.emitWarning(`\`before\` of shutdownOnSignals threw: ${words}`, 'MaltsterWarning')
    }
    await root().stop()
  }
  await Promise.race([stopped(), patience])
}

/** Ends this process as the signal would have, unless somebody else listens to it: then it is theirs to end. */
function endBy(signal: NodeJS.Signals): void {
  for (const { incarnation } of hostProcesses()) incarnation.process.kill('shutdown')
  process.kill(process.pid, signal)
}
