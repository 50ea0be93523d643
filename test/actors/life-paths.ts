import { getSimplePaths } from 'xstate/graph'
// The very machine that the built package runs, so that what is walked is what is driven.
import { type WorkerEvent, workerMachine } from '../../dist/actors/worker-machine.js'

/** One thing that happens to a worker, and the state it is in afterwards. */
export interface LifeStep {
  readonly event: WorkerEvent | { readonly type: string; readonly busy?: boolean }
  readonly state: string
}

export type LifePath = readonly LifeStep[]

const delays = { drainMs: 1, exitMs: 1, termMs: 1 }
const reason = {
  type: 'normal',
  exitCode: 0,
  signal: null,
  stderrTail: '',
  lastFrames: [],
  uptimeMs: 0,
} as const

const events: readonly WorkerEvent[] = [
  { type: 'process.ready' },
  { type: 'process.exited', reason },
  { type: 'call.first' },
  { type: 'call.last' },
  { type: 'interrupt.started' },
  { type: 'interrupt.finished', busy: true },
  { type: 'interrupt.finished', busy: false },
  { type: 'suspend.requested' },
  { type: 'resume.requested', busy: true },
  { type: 'resume.requested', busy: false },
  { type: 'stop.requested', busy: true, delays },
  { type: 'stop.requested', busy: false, delays },
  { type: 'kill.requested' },
]

const delayEvents = workerMachine.events.filter((type) => type.startsWith('xstate.after.'))

/** The state as one word: `stopping.draining`. */
export function stateText(value: unknown): string {
  if (typeof value === 'string') return value
  const [[outer, inner]] = Object.entries(value as Record<string, string>) as [[string, string]]
  return `${outer}.${inner}`
}

/**
 * Whether the path says the truth about calls in flight: the machine is told of them by its events, and a test
 * machine is told anything.
 */
function isTrue(path: LifePath): boolean {
  let isBusy = false
  let before = 'booting'
  for (const { event, state } of path) {
    const says = 'busy' in event ? event.busy : undefined
    if (event.type === 'stop.requested' && says !== isBusy) return false
    // A call can be made while the worker is suspended, and none can end.
    if (event.type === 'resume.requested' && isBusy && says === false) return false
    if (event.type === 'call.last' && !isBusy) return false
    if (event.type === 'call.first') isBusy = true
    if (event.type === 'call.last') isBusy = false
    if (event.type === 'interrupt.finished' || event.type === 'resume.requested') isBusy = says === true
    if (state === before && event.type !== 'xstate.init') return false
    before = state
  }
  return true
}

const nameOf = (path: LifePath): string =>
  path.map(({ event, state }) => `${event.type}${'busy' in event ? event.busy : ''}:${state}`).join(' > ')

/** Every simple path of the machine that can happen, each to its end; a beginning of another one is left out. */
export function lifePaths(): LifePath[] {
  const found = getSimplePaths(workerMachine, {
    input: { bootTimeoutMs: 1 },
    events: [...events, ...(delayEvents.map((type) => ({ type })) as unknown as WorkerEvent[])],
    serializeState: (snapshot) => JSON.stringify(snapshot.value),
  })
  const paths = found.map(({ steps }) =>
    // The first step is the initial state.
    steps.slice(1).map(({ event, state }) => ({ event, state: stateText(state.value) })),
  )
  const possible = paths.filter(isTrue)
  const names = possible.map(nameOf)
  return possible.filter((path, index) => {
    const own = names[index]!
    return path.length > 0 && !names.some((other) => other.startsWith(`${own} > `))
  })
}

/** `booting → idle` and the like: what a set of paths goes through, of all that there is. */
export function transitionsOf(paths: readonly LifePath[]): Set<string> {
  const seen = new Set<string>()
  for (const path of paths) {
    let before = 'booting'
    for (const { event, state } of path) {
      const delay = /^xstate\.after\.([^.]+)/.exec(event.type)?.[1]
      const busy = 'busy' in event && event.busy !== undefined ? ` (busy: ${event.busy})` : ''
      seen.add(`${before} → ${state} on ${delay === undefined ? event.type : `after ${delay}`}${busy}`)
      before = state
    }
  }
  return seen
}
