import type { ChildReport } from '../../actors/supervisor-events.ts'
import type { ExitReason } from '../../errors/exit-reason.ts'
import type { RestartWindow } from '../decision/restart-window.ts'
import type { ResolvedChild } from '../spec/resolve-spec.ts'
import type { ChildIdentity, ChildRun, ChildState, ChildStatus } from './child-run.ts'

/** One life of a child, as its supervisor sees it. */
export interface ChildLife {
  readonly identity: ChildIdentity
  readonly startedAtMs: number
  endedAtMs: number
  /** Undefined while `start` has not returned, and for good if it threw. */
  run: ChildRun | undefined
  readyAtMs: number | undefined
  isSkipped: boolean
  error: Error | undefined
  /** It is to end, or has been told to: how it ends is no death of its own any more. */
  isCondemned: boolean
  /** The time it was told to end in, in milliseconds; undefined if it was not told. */
  toldMs: number | undefined
  /** It did not end in time, and was killed. */
  isKilled: boolean
  isOver: boolean
  /** `seq` of the event that told of its end. */
  endedBy: number | undefined
  readonly whenOver: (() => void)[]
}

/** Somebody waits for a child to be started. */
export interface StartRequest {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
  /** What the child was before, to be that again if it can't be started; undefined for a new one. */
  readonly before: ChildState | undefined
}

/** A child in the plain map of its supervisor. */
export class Child {
  readonly spec: ResolvedChild
  readonly path: string
  /** Its place in the order of start. */
  readonly position: number
  /** Whether it came at run time. */
  readonly isDynamic: boolean
  /** What is wanted; it is `down` for good once it has ended on purpose or for good. */
  goal: 'up' | 'down' = 'up'
  state: ChildState = 'waiting'
  life: ChildLife | undefined
  /** Of the life that is, or was last. */
  pid: number | undefined
  /** Restarts in a row. */
  attempts = 0
  retryAtMs: number | undefined
  /** `seq` of the event for which it is started again. */
  cause: number | undefined
  timer: unknown
  /** Of its place in the line of those to be started; undefined if it has none. */
  ticket: number | undefined
  /** It is one of those that the start of the supervisor waits for. */
  isFirst: boolean
  request: StartRequest | undefined
  /** It was never ready, and whoever asked for it knows that it is not there. */
  isForgotten = false
  /** Its own window, where restarts are counted by child. */
  window: RestartWindow | undefined
  readonly whenGone: (() => void)[] = []
  readonly listeners = new Set<(status: ChildStatus) => void>()
  readonly monitors = new Set<(reason: ExitReason) => void>()

  constructor(spec: ResolvedChild, path: string, position: number, isDynamic: boolean) {
    this.spec = spec
    this.path = path
    this.position = position
    this.isDynamic = isDynamic
    this.isFirst = !isDynamic
  }

  get id(): string {
    return this.spec.id
  }

  /** Those who are to be told of this end, each once. */
  takeMonitors(): ((reason: ExitReason) => void)[] {
    const monitors = [...this.monitors]
    this.monitors.clear()
    return monitors
  }

  get incarnation(): number {
    return this.spec.lives.count
  }

  get status(): ChildStatus {
    return { state: this.state, incarnation: this.incarnation, retryAtMs: this.retryAtMs }
  }

  get isTemporary(): boolean {
    return this.spec.restart === 'temporary'
  }

  get report(): ChildReport {
    return {
      id: this.id,
      path: this.path,
      kind: this.spec.kind.kind,
      pid: this.pid,
      incarnation: this.incarnation,
      restart: this.spec.restart,
      shutdownMs: this.spec.shutdownMs,
    }
  }
}
