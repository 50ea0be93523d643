import type { WorkerOptions } from 'maltster'
import { WorkerKind, type WorkerKindParts } from '../../../dist/supervisor/worker/worker-kind.js'
import type { ExitReason } from '../../../src/errors/exit-reason.ts'
import type { ChildPlace, ChildRun, ChildState, ChildStatus } from '../../../src/supervisor/tree/child-run.ts'
import { until } from '../../scenarios/workers.ts'

/** A place in the tree under the test's thumb: it starts a worker when it is told to, and never by itself. */
export class OnePlace implements ChildPlace, AsyncDisposable {
  readonly id: string
  readonly path: string
  readonly kind: WorkerKind
  /** What the life that is, or was the last, told. */
  readonly told: string[] = []
  readonly errors: Error[] = []
  readonly exits: ExitReason[] = []
  run: ChildRun | undefined
  #status: ChildStatus = { state: 'waiting', incarnation: 0, retryAtMs: undefined }
  readonly #listeners = new Set<(status: ChildStatus) => void>()

  constructor(options: WorkerOptions = {}, parts: WorkerKindParts = {}, id = 'parser') {
    this.id = id
    this.path = `app/${id}`
    this.kind = new WorkerKind(id, { stdout: 'ignore', stderr: 'ignore', ...options }, parts)
    this.kind.attach(this)
  }

  get status(): ChildStatus {
    return this.#status
  }

  get handle(): WorkerKind['handle'] {
    return this.kind.handle
  }

  subscribe(listener: (status: ChildStatus) => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }

  become(state: ChildState, retryAtMs?: number): void {
    this.#status = { ...this.#status, state, retryAtMs }
    for (const listener of this.#listeners) listener(this.#status)
  }

  /** Begins another life. */
  start(): void {
    const incarnation = this.#status.incarnation + 1
    this.#status = { ...this.#status, incarnation }
    this.become('starting')
    this.told.length = 0
    this.run = this.kind.start(
      { id: this.id, path: this.path, incarnation },
      {
        ready: () => {
          this.told.push('ready')
          this.become('up')
        },
        skipped: () => void this.told.push('skipped'),
        failed: (error) => {
          this.told.push('failed')
          this.errors.push(error)
        },
        exited: (reason) => {
          this.told.push('exited')
          this.exits.push(reason)
          this.run = undefined
        },
      },
    )
  }

  async up(): Promise<this> {
    this.start()
    await until('it is up', () => this.#status.state === 'up' || this.run === undefined)
    return this
  }

  /** Waits for the end of the life that is. */
  async gone(): Promise<ExitReason> {
    await until('it is gone', () => this.run === undefined)
    return this.exits.at(-1)!
  }

  async terminate(): Promise<void> {
    this.run?.stop(5000)
    await this.gone()
    this.become('stopped')
  }

  async restart(): Promise<void> {
    await this.up()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.run?.stop(0)
    await this.gone()
    this.become('removed')
  }
}
