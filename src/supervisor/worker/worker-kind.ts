import { spawnError } from '../../actors/end-errors.ts'
import { Incarnation } from '../../actors/incarnation.ts'
import { shown } from '../../actors/option-checks.ts'
import { type ResolvedOptions, resolveOptions } from '../../actors/resolve-options.ts'
import { type Seams, systemSeams } from '../../actors/seams.ts'
import type { Worker } from '../../actors/worker.ts'
import type { WorkerOptions } from '../../actors/worker-options.ts'
import { SpawnError } from '../../errors/worker-errors.ts'
import { readLikelyScripts } from '../../movement/live/scripts.ts'
import { prepareModuleReference } from '../../movement/module-reference.ts'
import { register } from '../host-processes.ts'
import type { InitOption } from '../spec/supervisor-spec.ts'
import type { ChildIdentity, ChildKind, ChildListener, ChildPlace, ChildRun } from '../tree/child-run.ts'
import { Follower } from './follower.ts'
import { WorkerHandle } from './worker-handle.ts'
import { WorkerRun } from './worker-run.ts'

/** Besides its options: what a worker in the tree is made of. */
export interface WorkerKindParts {
  readonly init?: InitOption | undefined
  /** Default: those of the system. */
  readonly seams?: Seams
}

/** A worker as a child of a supervisor: its options, read once, and what starts it anew for each incarnation. */
export class WorkerKind implements ChildKind {
  readonly kind = 'worker'
  readonly handle: WorkerHandle
  readonly #options: ResolvedOptions
  readonly #init: InitOption | undefined
  readonly #seams: Seams
  readonly #follower: Follower

  /**
   * @param id - its name among its siblings; the name of the worker
   * @throws {TypeError | RangeError | CaptureError} for wrong options, before anything is started
   */
  constructor(id: string, options: WorkerOptions, { init, seams = systemSeams }: WorkerKindParts = {}) {
    if (options?.name !== undefined && options.name !== id) {
      throw new TypeError(`Its name in the tree is its id, \`${id}\`; leave \`name\` out.`)
    }
    if (init !== undefined) checkInit(init)
    this.#options = resolveOptions(options, id)
    this.#init = init
    this.#seams = seams
    this.#follower = new Follower(id, this.#options, seams)
    this.handle = new WorkerHandle(this.#follower)
  }

  /** The newest incarnation, in whatever state. */
  get newest(): Worker | undefined {
    return this.#follower.newest
  }

  describe(): Readonly<Record<string, unknown>> {
    return this.#follower.describe()
  }

  attach(place: ChildPlace): void {
    this.#follower.attach(place)
  }

  start({ id, path, incarnation: number, cause }: ChildIdentity, listener: ChildListener): ChildRun {
    const options = this.#options
    const identity = { name: id, path, incarnation: number }
    let incarnation: Incarnation
    try {
      incarnation = new Incarnation(options, identity, this.#seams, cause)
    } catch (error) {
      return neverStarted(path, error, listener)
    }
    const launcher = options.launcher ?? this.#seams.launcher
    const process = register(incarnation, launcher.isLocal)
    // The process takes its time to boot, and the first call is spared this. A guest of this process is there at once.
    if (options.capture !== 'explicit' && launcher.isGuest !== true) setImmediate(readLikelyScripts)
    const init = this.#init
    const initTimeoutMs = options.bootTimeoutMs
    const run = new WorkerRun({ incarnation, init, initTimeoutMs, listener })
    this.#follower.started(process)
    return run
  }
}

function checkInit(init: unknown): void {
  if (typeof init === 'function') return
  if (typeof init !== 'object' || init === null) {
    throw new TypeError(
      `Expected \`init\` to be a function or \`{ module, export, args? }\`, got ${shown(init)}.`,
    )
  }
  const { args, ...reference } = init as { args?: unknown; module: string; export: string }
  if (args !== undefined && !Array.isArray(args)) {
    throw new TypeError(`Expected \`init.args\` to be an array, got ${shown(args)}.`)
  }
  prepareModuleReference(reference)
}

/** There is not even a process: told as if there had been one, a moment later. */
function neverStarted(path: string, thrown: unknown, listener: ChildListener): ChildRun {
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  const error =
    thrown instanceof SpawnError ? thrown : spawnError(path, { code: 'UNKNOWN', message, error: thrown })
  queueMicrotask(() => {
    listener.failed(error)
    listener.exited(error.reason)
  })
  return { pid: undefined, stop: () => {} }
}
