import { EventStream, type MaltsterEvent } from '../../src/actors/events.ts'
import type { ExitReason, ExitType } from '../../src/errors/exit-reason.ts'
import type { SupervisorSpec } from '../../src/supervisor/spec/supervisor-spec.ts'
import type { Supervisor } from '../../src/supervisor/supervisor.ts'
import type {
  ChildIdentity,
  ChildKind,
  ChildListener,
  ChildPlace,
  ChildRun,
} from '../../src/supervisor/tree/child-run.ts'
import { plantTree } from '../../src/supervisor/tree/plant-tree.ts'
import type { TreeSeams } from '../../src/supervisor/tree/tree-seams.ts'
import { SimulatedClock } from './simulated-clock.ts'

/** How a simulated worker behaves in one life. */
export interface Behaviour {
  /** How long it takes until it is ready, fails or skips. 0: within `start`. Default 1. */
  readonly bootMs?: number
  readonly boot?: 'ready' | 'fail' | 'skip'
  /** How long it takes to end when it is told to; Infinity: it has to be killed. Default 1. */
  readonly stopMs?: number
}

export function exitReason(type: ExitType, more: Partial<ExitReason> = {}): ExitReason {
  const none = { exitCode: null, signal: null, stderrTail: '', lastFrames: [], uptimeMs: 0 }
  return { type, ...none, ...more }
}

/** A worker's life without a process. */
class SimulatedLife implements ChildRun {
  readonly pid: number
  readonly identity: ChildIdentity
  readonly #world: SimulatedTree
  readonly #listener: ChildListener
  readonly #behaviour: Behaviour
  #timer: unknown
  #isOver = false
  isReady = false

  constructor(world: SimulatedTree, identity: ChildIdentity, listener: ChildListener, behaviour: Behaviour) {
    this.pid = world.nextPid++
    this.identity = identity
    this.#world = world
    this.#listener = listener
    this.#behaviour = behaviour
  }

  begin(): void {
    this.#world.note('start', this.identity)
    this.#after(this.#behaviour.bootMs ?? 1, () => this.#booted())
  }

  stop(shutdownMs: number): void {
    if (this.#isOver) return
    this.#world.note(shutdownMs === 0 ? 'kill' : 'stop', this.identity)
    const { stopMs = 1 } = this.#behaviour
    if (shutdownMs === 0) this.end(exitReason('killed', { signal: 'SIGKILL' }))
    else if (stopMs === Infinity) this.#world.clock.clearTimeout(this.#timer ?? {})
    else this.#after(stopMs, () => this.end(exitReason('shutdown', { exitCode: 0 })))
  }

  /** It ends, whatever it was doing. */
  end(reason: ExitReason): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#world.clock.clearTimeout(this.#timer ?? {})
    this.#world.gone(this)
    this.#listener.exited(reason)
  }

  #booted(): void {
    const { boot = 'ready' } = this.#behaviour
    if (boot === 'ready') {
      this.isReady = true
      this.#world.note('up', this.identity)
      this.#listener.ready()
    } else {
      if (boot === 'fail') this.#listener.failed(new Error(`${this.identity.path} failed`))
      else this.#listener.skipped()
      this.end(exitReason(boot === 'fail' ? 'boot' : 'shutdown', { exitCode: 0 }))
    }
  }

  #after(delayMs: number, callback: () => void): void {
    this.#world.clock.clearTimeout(this.#timer ?? {})
    if (delayMs === 0) callback()
    else this.#timer = this.#world.clock.setTimeout(callback, delayMs)
  }
}

/** A tree whose workers are no processes, on a clock that goes when it is told to. */
export class SimulatedTree {
  readonly clock = new SimulatedClock()
  readonly events: MaltsterEvent[] = []
  /** `start a`, `up a`, `stop a`, `kill a`, `down a`, in the order of their happening. */
  log: string[] = []
  nextPid = 1
  /** How the next life of a path behaves; asked at each start. */
  behaviour: (identity: ChildIdentity) => Behaviour = () => ({})
  random: () => number = () => 0
  readonly places = new Map<string, ChildPlace>()
  readonly #lives = new Map<string, SimulatedLife>()
  readonly #seams: TreeSeams
  readonly stream = new EventStream(this.clock)
  app!: Supervisor
  exit: ExitReason | undefined
  failure: Error | undefined
  isReady = false

  constructor() {
    this.stream.observe((event) => void this.events.push(event))
    this.#seams = {
      clock: this.clock,
      random: () => this.random(),
      events: this.stream,
      afterTurn: (callback) => void this.clock.setTimeout(callback, 0),
    }
  }

  /** Starts a tree; its path is `app`. */
  start(spec: SupervisorSpec): Supervisor {
    this.app = plantTree(spec, {
      id: 'app',
      path: 'app',
      leaves: {
        worker: (_options, { id }) => this.#worker(id),
        pool: () => {
          throw new Error('There is no pool in a simulation.')
        },
      },
      seams: this.#seams,
      listener: {
        ready: () => {
          this.isReady = true
        },
        failed: (error) => {
          this.failure = error
        },
        exited: (reason) => {
          this.exit = reason
        },
      },
    })
    return this.app
  }

  /** Starts a tree and lets time pass until it is up. */
  started(spec: SupervisorSpec): Supervisor {
    const supervisor = this.start(spec)
    while (!this.isReady && this.exit === undefined && this.clock.step());
    if (!this.isReady) throw this.failure ?? new Error('The tree did not start.')
    this.log = []
    return supervisor
  }

  life(id: string): SimulatedLife | undefined {
    return this.#lives.get(`app/${id}`)
  }

  get alive(): string[] {
    return [...this.#lives.keys()].map((path) => path.slice('app/'.length))
  }

  /** A worker dies by itself. */
  die(id: string, type: ExitType = 'signal'): void {
    const life = this.life(id)
    if (life === undefined) throw new Error(`${id} is not alive`)
    life.end(exitReason(type, type === 'normal' ? { exitCode: 0 } : {}))
  }

  /** The log so far, which begins anew. */
  takeLog(): string[] {
    const { log } = this
    this.log = []
    return log
  }

  note(what: string, { path }: ChildIdentity): void {
    this.log.push(`${what} ${path.slice('app/'.length)}`)
  }

  gone(life: SimulatedLife): void {
    this.note('down', life.identity)
    this.#lives.delete(life.identity.path)
  }

  #worker(id: string): ChildKind {
    return {
      kind: 'worker',
      handle: id,
      attach: (place) => void this.places.set(place.path, place),
      start: (identity, listener) => {
        const { path } = identity
        if (this.#lives.has(path)) throw new Error(`${path} has two lives at once`)
        const life = new SimulatedLife(this, identity, listener, this.behaviour(identity))
        this.#lives.set(path, life)
        life.begin()
        return life
      },
    }
  }
}
