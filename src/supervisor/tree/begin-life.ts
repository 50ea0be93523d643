import type { ExitReason } from '../../errors/exit-reason.ts'
import type { Clock } from '../../transport/clock.ts'
import type { ChildListener } from './child-run.ts'
import type { Child, ChildLife } from './child.ts'
import { reasonWithoutProcess } from './supervisor-errors.ts'

/** What a supervisor wants to hear of a life. `exited` comes once, whatever the child kind tells. */
export interface LifeHooks {
  readonly begun: (child: Child) => void
  readonly ready: (child: Child, life: ChildLife) => void
  /** Gives the `seq` of the event that told of it. */
  readonly failed: (child: Child, error: Error) => number
  readonly exited: (child: Child, life: ChildLife, reason: ExitReason) => void
}

function listenerOf(child: Child, life: ChildLife, clock: Clock, hooks: LifeHooks): ChildListener {
  return {
    ready: () => {
      if (life.isOver || life.readyAtMs !== undefined || life.isSkipped || life.error !== undefined) return
      life.readyAtMs = clock.nowMs()
      hooks.ready(child, life)
    },
    skipped: () => {
      if (life.readyAtMs === undefined) life.isSkipped = true
    },
    failed: (error) => {
      if (life.isOver || life.error !== undefined) return
      life.error = error
      life.endedBy = hooks.failed(child, error)
    },
    exited: (reason, cause) => {
      if (life.isOver) return
      life.isOver = true
      life.endedBy = cause ?? life.endedBy
      life.endedAtMs = clock.nowMs()
      hooks.exited(child, life, reason)
    },
  }
}

/** Starts one more life of a child. A child kind that throws has failed to start. */
export function beginLife(child: Child, clock: Clock, hooks: LifeHooks): void {
  const { spec, id, path } = child
  const nowMs = clock.nowMs()
  const life: ChildLife = {
    identity: { id, path, incarnation: ++spec.lives.count, cause: child.cause },
    startedAtMs: nowMs,
    endedAtMs: nowMs,
    run: undefined,
    readyAtMs: undefined,
    isSkipped: false,
    error: undefined,
    endedBy: undefined,
    isCondemned: false,
    toldMs: undefined,
    isKilled: false,
    isOver: false,
    whenOver: [],
  }
  child.life = life
  child.pid = undefined
  child.cause = undefined
  hooks.begun(child)
  const listener = listenerOf(child, life, clock, hooks)
  try {
    life.run = spec.kind.start(life.identity, listener)
    child.pid = life.run.pid
    // Told to end before there was anything to tell.
    const { toldMs } = life as { toldMs: number | undefined }
    if (toldMs !== undefined && !life.isOver) life.run.stop(toldMs)
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown))
    listener.failed(error)
    listener.exited(reasonWithoutProcess('boot', 0, error))
  }
}
