import type { ExitReason } from '../errors/exit-reason.ts'
import type { CallInFlight, CrashReport } from './crash-report.ts'
import type { EventBody, MaltsterEvent } from './events.ts'
import { placeKinds } from './places.ts'
import {
  type Check,
  isError,
  isNumber,
  isObject,
  isOneOf,
  isText,
  isWhatever,
  optional,
  type Shape,
} from './shapes.ts'
import type { ChildReport, RestartBudget } from './supervisor-events.ts'
import type { WorkerState } from './worker-machine.ts'

/** A report of a worker below has no more than this of either; its own host keeps it so, too. */
const maxRecentEvents = 64
const maxInFlight = 100

const isWord: Check = (value) => typeof value === 'string'
const isBoolean: Check = (value) => typeof value === 'boolean'
const workerStates: readonly WorkerState[] = [
  'booting',
  'idle',
  'running',
  'interrupting',
  'suspended',
  'stopping',
  'dead',
]
const isState = isOneOf(workerStates)

const reason: Shape<Omit<ExitReason, 'cause'>> = {
  type: isText,
  exitCode: (value) => value === null || isNumber(value),
  signal: (value) => value === null || isText(value),
  stderrTail: isWord,
  lastFrames: Array.isArray,
  uptimeMs: isNumber,
}
const isReason: Check = (value) => isObject(value, reason)

const child: Shape<ChildReport> = {
  id: isText,
  path: isText,
  kind: isOneOf(placeKinds),
  pid: optional(isNumber),
  incarnation: isNumber,
  restart: isOneOf(['permanent', 'transient', 'temporary']),
  shutdownMs: isNumber,
}
const isChild: Check = (value) => isObject(value, child)

const budget: Shape<RestartBudget> = { used: isNumber, maxRestarts: isNumber, periodMs: isNumber }
const isBudget: Check = (value) => isObject(value, budget)

const call: Shape<CallInFlight> = {
  callId: isNumber,
  name: isText,
  background: isBoolean,
  executed: isOneOf(['no', 'unknown', 'yes']),
}
const recent: Shape<Pick<MaltsterEvent, 'seq' | 'type' | 'path'>> = {
  seq: isNumber,
  type: isText,
  path: isText,
}
const listOf =
  (shape: Shape<never>, maxLength: number): Check =>
  (value) =>
    Array.isArray(value) && value.length <= maxLength && value.every((one) => isObject(one, shape))

const report: Shape<CrashReport> = {
  reason: isReason,
  outOfMemory: optional(isOneOf(['heap', 'limit', 'system'])),
  memoryPeakBytes: optional(isNumber),
  inFlight: listOf(call, maxInFlight),
  inFlightCount: isNumber,
  recentEvents: listOf(recent, maxRecentEvents),
}

/** Single calls stay where they are. */
type NestedType = Exclude<EventBody['type'], 'call.started' | 'call.moved' | 'call.settled' | 'frame.dropped'>

/** What is told of workers, supervisors and pools in workers, and how it has to look. */
const shapes: Readonly<Record<NestedType, Readonly<Record<string, Check>>>> = {
  'worker.spawned': { pid: isNumber },
  'worker.ready': { pid: isNumber, bootMs: isNumber },
  'worker.state': { pid: isNumber, from: isState, to: isState },
  'worker.exited': { pid: isNumber, reason: isReason },
  'worker.crashed': { pid: isNumber, report: (value) => isObject(value, report) },
  'worker.blocked': { blockedMs: isNumber },
  'worker.unblocked': { blockedMs: isNumber },
  'worker.frozen': { silentMs: isNumber },
  'worker.thawed': { silentMs: isNumber },
  'worker.strangerRefused': { why: isText },
  'output.dropped': { stream: isOneOf(['stdout', 'stderr']), bytes: isNumber },
  'interrupt.started': { interruptId: isNumber, callId: optional(isNumber) },
  'interrupt.finished': { interruptId: isNumber, outcome: isText, afterMs: isNumber },
  'cast.failed': { callId: isNumber, error: isWhatever },
  'supervisor.state': { from: isText, to: isText },
  'supervisor.progress': { child: isChild, bootMs: isNumber },
  'supervisor.startError': { child: isChild, error: isError },
  'supervisor.childTerminated': {
    child: isChild,
    reason: isReason,
    outcome: isOneOf(['restarted', 'finished', 'removed', 'stopped', 'gaveUp', 'shutdown']),
    budget: isBudget,
  },
  'supervisor.backoff': { child: isChild, delayMs: isNumber, retryAtMs: isNumber, attempt: isNumber },
  'supervisor.shutdownError': { child: isChild, reason: isReason },
  'supervisor.shutdown': {
    because: isOneOf(['stop', 'autoShutdown', 'reachedMaxRestarts', 'startFailed']),
    children: isNumber,
  },
  'supervisor.gaveUp': { child: isChild, reason: isReason, budget: isBudget },
  'supervisor.escalated': { child: isChild, reason: isReason },
  'pool.broadcastFailed': { member: isText, error: isWhatever },
}

/** The types of events that go up from host to host. */
export const nestedTypes = Object.keys(shapes) as readonly NestedType[]

/** Whether events of a type are about a supervisor: the top one of a host has the place of the worker that the host is. */
export const isOfSupervisor = (type: unknown): boolean =>
  typeof type === 'string' && type.startsWith('supervisor.')

/** The event, of what belongs to its type; undefined if something is missing, or is something else. */
export function nestedBodyOf(told: Readonly<Record<string, unknown>>): EventBody | undefined {
  const { type } = told
  if (typeof type !== 'string' || !Object.hasOwn(shapes, type)) return undefined
  const shape = shapes[type as NestedType]
  if (!isObject(told, shape)) return undefined
  const body: Record<string, unknown> = { type }
  for (const key of Object.keys(shape)) if (told[key] !== undefined) body[key] = told[key]
  return body as unknown as EventBody
}
