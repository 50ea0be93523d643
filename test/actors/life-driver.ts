import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Incarnation } from '../../dist/actors/incarnation.js'
import { resolveOptions } from '../../dist/actors/resolve-options.js'
import { systemSeams } from '../../dist/actors/seams.js'
import { type LifePath, type LifeStep, stateText } from './life-paths.ts'

const silent = fileURLToPath(new URL('../fixtures/worker/silent.cjs', import.meta.url))
const shortMs = 30

/** Ends when the file is there: the only way in once a worker takes no more calls. */
const untilFile = async (file: string): Promise<void> => {
  const { existsSync } = await import('node:fs')
  while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 2))
}

const setHabits = (ignoresExit: boolean, ignoresTerm: boolean): void => {
  if (ignoresExit) {
    process.on('exit', () => {
      for (;;);
    })
  }
  if (ignoresTerm) process.on('SIGTERM', () => {})
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {}
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

/** Waits, without a turn of the loop, until each thread of a process stands still. */
function untilStopped(pid: number): void {
  const deadlineMs = performance.now() + 5_000
  const stands = (thread: string): boolean => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1')
    return status[status.lastIndexOf(')') + 2] === 'T'
  }
  while (!readdirSync(`/proc/${pid}/task`).every(stands)) {
    if (performance.now() > deadlineMs) throw new Error(`Process ${pid} does not stop.`)
  }
}

/** Makes a real worker live through a path of the machine. */
export class LifeDriver {
  readonly history: string[] = []
  readonly #path: LifePath
  readonly #incarnation: Incarnation
  readonly #background = new AbortController()
  readonly #file: string
  /** Resolved when the silent one has set its habits. */
  readonly #said = deferred()
  #isStopped = false

  constructor(path: LifePath, directory: string, number: number) {
    this.#path = path
    this.#file = join(directory, `release-${number}`)
    const boots = path[0]?.event.type === 'process.ready'
    const options = resolveOptions(
      {
        stdout: () => this.#said.resolve(),
        stderr: 'ignore',
        ...(boots ? {} : { runtimeEntry: silent, argv: this.#meets('term') ? ['ignore-term'] : [] }),
        ...(this.#meets('bootTimeout') ? { bootTimeoutMs: 1000 } : {}),
      },
      `life-${number}`,
    )
    const name = options.name
    this.#incarnation = new Incarnation(options, { name, path: name, incarnation: 1 }, systemSeams)
    this.history.push(stateText(this.#incarnation.actor.getSnapshot().value))
    this.#incarnation.actor.subscribe(({ value }) => {
      const state = stateText(value)
      if (this.history.at(-1) !== state) this.history.push(state)
    })
  }

  /** Whether a delay runs out on the path. */
  #meets(delay: string): boolean {
    return this.#path.some(({ event }) => event.type.startsWith(`xstate.after.${delay}.`))
  }

  async run(): Promise<void> {
    if (this.#path[0]?.event.type !== 'process.ready') await this.#said.promise
    for (const [index, step] of this.#path.entries()) {
      await this.#do(step, this.#path[index + 1])
      await this.#reached(step.state)
    }
    await this.#incarnation.exited
  }

  #signal(signal: NodeJS.Signals): void {
    const pid = this.#incarnation.process.pid!
    process.kill(-pid, signal)
    this.#isStopped = signal === 'SIGSTOP'
    // A stop takes hold once one thread has been scheduled to see it: until then another, the sentinel's, may answer.
    if (this.#isStopped) untilStopped(pid)
  }

  #call(background = false): void {
    const signal = background ? { signal: this.#background.signal } : {}
    this.#incarnation.calls
      .start(untilFile, [background ? `${this.#file}-never` : this.#file], { background, ...signal })
      .catch(() => {})
  }

  /** Stands still while it interrupts, so that the state lasts; on again when the process has to do something. */
  #continueFor(next: LifeStep | undefined): void {
    // A death needs no process that runs: SIGKILL ends it as it stands, and before it could finish anything.
    const { type } = next?.event ?? { type: 'process.exited' }
    const needsProcess = type !== 'process.exited' && !type.startsWith('xstate.after.')
    if (this.#isStopped && needsProcess) this.#signal('SIGCONT')
  }

  async #do({ event }: LifeStep, next: LifeStep | undefined): Promise<void> {
    const incarnation = this.#incarnation
    if (event.type === 'process.ready') {
      await incarnation.ready
      const habits = [this.#meets('exit'), this.#meets('term')] as const
      await incarnation.calls.start(setHabits, habits, { background: true })
      this.#call(true)
    } else if (event.type === 'process.exited') {
      if (!this.#endsByItself()) this.#signal('SIGKILL')
    } else if (event.type === 'call.first') this.#call()
    else if (event.type === 'call.last') writeFileSync(this.#file, '')
    else if (event.type === 'interrupt.started') {
      this.#signal('SIGSTOP')
      if (incarnation.calls.pending.foreground > 0) void incarnation.interrupt()
      else this.#background.abort()
    } else if (event.type === 'interrupt.finished') {
      if ('busy' in event && event.busy) this.#call()
      this.#signal('SIGCONT')
    } else if (event.type === 'suspend.requested') incarnation.suspend()
    else if (event.type === 'resume.requested') {
      if ('busy' in event && event.busy && incarnation.calls.pending.foreground === 0) this.#call()
      incarnation.resume()
    } else if (event.type === 'stop.requested') this.#stop(next)
    else if (event.type === 'kill.requested') incarnation.kill('SIGKILL')
  }

  #stop(next: LifeStep | undefined): void {
    const delay = (name: string): number => (this.#meets(name) ? shortMs : Infinity)
    void this.#incarnation.stop({ drainMs: delay('drain'), exitMs: delay('exit'), termMs: delay('term') })
    this.#continueFor(next)
  }

  /** The rung that the worker is on ends it. */
  #endsByItself(): boolean {
    const state = this.history.at(-1)
    if (state === 'stopping.killing') return true
    if (state === 'stopping.terminating') return !this.#isStopped
    return state === 'dead'
  }

  #reached(state: string): Promise<void> {
    if (this.history.includes(state)) return Promise.resolve()
    return new Promise((resolve) => {
      const subscription = this.#incarnation.actor.subscribe({
        next: () => {
          if (!this.history.includes(state)) return
          subscription.unsubscribe()
          resolve()
        },
        complete: resolve,
      })
    })
  }
}
