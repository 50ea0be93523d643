import { CaptureError, type MovementPlan, type Worker, type WorkerOptions } from 'maltster'
import { expect } from 'vitest'
import { ofType, quietWorker, recordEvents } from './workers.ts'

/** What was found while a worker was watched. */
interface Watched {
  /** Calls whose plan was compared with what they have moved. */
  compared: number
  differences: string[]
}

const planOf = (worker: Worker, words: readonly unknown[]): MovementPlan | undefined => {
  try {
    return (worker.explain as (...words: any[]) => MovementPlan).apply(worker, [...words])
  } catch {
    // Wrong options: the call is going to say so.
    return undefined
  }
}

const isRefused = ({ entries }: MovementPlan): boolean => entries.some(({ action }) => action === 'refused')

/**
 * A worker that is held to its plans. For each call: what `explain` told right before is what the event tells, entry by
 * entry, and a call that was to be refused has moved nothing. When it is stopped: the events, the account of the worker
 * and the lane agree to the byte.
 */
export async function agreeingWorker(options: WorkerOptions = {}): Promise<Worker> {
  const worker = await quietWorker(options)
  const recorded = recordEvents({ types: ['call.moved'], path: worker.path })
  const before = { lane: (await worker.stats()).bytes.sent, account: worker.movement.totalBytes }
  const watched: Watched = { compared: 0, differences: [] }

  const watch =
    (method: 'call' | 'cast') =>
    (...words: readonly unknown[]): unknown => {
      const plan = planOf(worker, words)
      const seen = recorded.events.length
      const result = (worker[method] as (...words: any[]) => unknown).apply(worker, [...words])
      const [moved] = ofType(recorded.events.slice(seen), 'call.moved')
      if (plan === undefined) return result
      if (moved !== undefined || isRefused(plan)) compare(watched, plan, moved)
      else void Promise.resolve(result).catch((error) => notPlanned(watched, plan, error))
      return result
    }

  const stop = async (...words: Parameters<Worker['stop']>): ReturnType<Worker['stop']> => {
    try {
      await expectAgreement(worker, recorded.events, before, watched)
    } finally {
      recorded[Symbol.dispose]()
      await worker.stop(...words)
    }
    return worker.exited
  }

  const own: Record<PropertyKey, unknown> = {
    call: watch('call'),
    cast: watch('cast'),
    stop,
    [Symbol.asyncDispose]: async () => void (await stop()),
  }
  return new Proxy(worker, {
    get(target, key) {
      if (Object.hasOwn(own, key)) return own[key]
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

function compare(
  watched: Watched,
  plan: MovementPlan,
  moved: { entries: MovementPlan['entries']; totalBytes: number } | undefined,
): void {
  watched.compared++
  const planned = isRefused(plan) ? undefined : { entries: plan.entries, totalBytes: plan.totalBytes }
  const told = moved && { entries: moved.entries, totalBytes: moved.totalBytes }
  if (JSON.stringify(planned) === JSON.stringify(told)) return
  watched.differences.push(`planned:\n${String(plan)}\nmoved: ${JSON.stringify(told, undefined, 1)}`)
}

/** A call that had to wait is written later; but what it is refused for is known when it is made. */
function notPlanned(watched: Watched, plan: MovementPlan, error: unknown): void {
  if (!(error instanceof CaptureError)) return
  watched.differences.push(`planned:\n${String(plan)}\nrefused: ${error.message}`)
}

async function expectAgreement(
  worker: Worker,
  events: ReturnType<typeof recordEvents>['events'],
  before: { lane: number; account: number },
  { compared, differences }: Watched,
): Promise<void> {
  const told = ofType(events, 'call.moved')
  const { movement } = worker
  const lane = (await worker.stats()).bytes.sent - before.lane
  const account = movement.totalBytes - before.account
  expect(differences).toEqual([])
  expect({
    account,
    told: told.reduce((sum, { totalBytes }) => sum + totalBytes, movement.otherBytes),
  }).toEqual({
    account: lane,
    told: lane,
  })
  expect(compared).toBeGreaterThan(0)
}
