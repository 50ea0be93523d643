import type { Clock } from '../transport/clock.ts'
import type { LaunchedProcess, Launcher, ProcessExit } from '../transport/launcher.ts'
import { localLauncher } from '../transport/launchers/local.ts'

/** How long a launcher may take to tell of the end of what it was told to kill. */
const patienceMs = 10_000
/** After this process has stood still its timers come first, and then what it would have heard meanwhile. */
const catchUpMs = 500

const untoldExits = new WeakSet<object>()

/** Whether this led to an end of which its launcher has not told. */
export const isUntold = (cause: unknown): cause is Error => untoldExits.has(Object(cause))

/** The cause of an end that was not told: what is known to have led to the kill goes with it. */
export function untoldCause(untold: Error, before: unknown): Error {
  if (before !== undefined) Object.defineProperty(untold, 'cause', { value: before, configurable: true })
  return untold
}

function untoldExit(kind: string): ProcessExit {
  const lost = new Error(
    `Its launcher (\`${kind}\`) has not told of its end within ${patienceMs} ms of its kill; it counts as gone`,
  )
  untoldExits.add(lost)
  return { exitCode: null, signal: null, lost }
}

/**
 * A process has ended when its launcher says so, and not because a signal was sent. One that never says so would be waited
 * for for ever: after a kill it has a bounded time.
 */
class BoundedExit implements LaunchedProcess {
  readonly #launched: LaunchedProcess
  readonly #kind: string
  readonly #clock: Clock
  #tell: (exit: ProcessExit) => void = () => {}
  /** Somebody waits for its end. */
  #isAwaited = false
  #isOver = false
  #timer: unknown

  constructor(launched: LaunchedProcess, kind: string, clock: Clock) {
    this.#launched = launched
    this.#kind = kind
    this.#clock = clock
  }

  get pid(): number | undefined {
    return this.#launched.pid
  }

  get data(): LaunchedProcess['data'] {
    return this.#launched.data
  }

  get control(): LaunchedProcess['control'] {
    return this.#launched.control
  }

  get stdout(): LaunchedProcess['stdout'] {
    return this.#launched.stdout
  }

  get stderr(): LaunchedProcess['stderr'] {
    return this.#launched.stderr
  }

  onExit(listener: (exit: ProcessExit) => void): void {
    this.#tell = listener
    this.#launched.onExit((exit) => this.#over(exit))
    this.#isAwaited = true
  }

  onFailed(listener: (error: Error) => void): void {
    this.#launched.onFailed((error) => {
      this.#end()
      listener(error)
    })
  }

  signalGroup(signal: NodeJS.Signals): void {
    const isWaiting = this.#isAwaited && !this.#isOver
    if (signal === 'SIGKILL' && isWaiting && this.#timer === undefined) {
      this.#wait(patienceMs, () => this.#wait(catchUpMs, () => this.#untold()))
    }
    try {
      this.#launched.signalGroup(signal)
    } catch (error) {
      // Whoever is ended next, or waits for this one, is not to suffer from it.
      process.emitWarning(
        `A launcher (\`${this.#kind}\`) could not send ${signal}: ${String(error)}`,
        'MaltsterWarning',
      )
    }
  }

  ref(): void {
    if (!this.#isOver) this.#launched.ref()
  }

  unref(): void {
    this.#launched.unref()
  }

  #wait(delayMs: number, next: () => void): void {
    this.#timer = this.#clock.setTimeout(next, delayMs)
  }

  #untold(): void {
    // It may be there yet, and this process does not wait for it any more.
    this.#launched.unref()
    this.#over(untoldExit(this.#kind))
  }

  #over(exit: ProcessExit): void {
    if (this.#isOver) return
    this.#end()
    this.#tell(exit)
  }

  #end(): void {
    this.#isOver = true
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
  }
}

/** Bounds how long is waited for the word of a launcher; not for the system's own, which has seen whatever has ended. */
export function boundedExit(launched: LaunchedProcess, launcher: Launcher, clock: Clock): LaunchedProcess {
  return launcher === localLauncher ? launched : new BoundedExit(launched, launcher.kind, clock)
}
