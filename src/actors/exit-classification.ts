import type { ExitReason, ExitType } from '../errors/exit-reason.ts'
import type { DyingWords } from '../transport/messages.ts'

/** What is known when a process has ended. */
export interface ExitFacts {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  /** Set if the launcher ended and not, as far as is known, the worker. */
  readonly lost?: Error | undefined
  /** Set before the host did something to end it; undefined if it ended on its own account. */
  readonly intent: ExitType | undefined
  readonly wasReady: boolean
  readonly stderrTail: string
  readonly uptimeMs: number
  readonly dying: DyingWords | undefined
  /** The process error, protocol error or `exitWith` information. */
  readonly cause: unknown
}

/** V8's own words as it gives up. */
const outOfMemoryMark = /heap out of memory|OOM error in V8|allocation failed - JavaScript heap/i

function typeOf(facts: ExitFacts): ExitType {
  if (facts.intent !== undefined) return facts.intent
  if (facts.dying?.outOfMemory === true) return 'out-of-memory'
  if (facts.lost !== undefined || facts.dying?.laneLost === true) return 'transport'
  if (outOfMemoryMark.test(facts.stderrTail) && facts.exitCode !== 0) return 'out-of-memory'
  if (!facts.wasReady) return 'boot'
  if (facts.signal !== null) return 'signal'
  return facts.exitCode === 0 ? 'normal' : 'exit'
}

/** The one reason of an incarnation's end, from all that was seen of it. */
export function classifyExit(facts: ExitFacts): ExitReason {
  const { dying } = facts
  const frames = dying === undefined ? [] : dying.stack.split('\n').filter((line) => /^\s+at /.test(line))
  const words =
    dying === undefined ? undefined : { name: dying.name, message: dying.message, stack: dying.stack }
  const cause = facts.cause ?? (dying?.outOfMemory === true ? words : (facts.lost ?? words))
  return {
    type: typeOf(facts),
    exitCode: facts.exitCode,
    signal: facts.signal,
    stderrTail: facts.stderrTail,
    lastFrames: frames.map((line) => line.trim()),
    uptimeMs: facts.uptimeMs,
    ...(cause === undefined ? {} : { cause }),
  }
}
