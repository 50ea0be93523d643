import { type MaltsterEvent, observe, spawnWorker, type Worker, type WorkerOptions } from 'maltster'
import { expect } from 'vitest'
import { pollUntil } from '../support/processes.ts'

/** A worker that prints nothing of its own into the report of the tests. */
export function quietWorker(options: WorkerOptions = {}): Promise<Worker> {
  return spawnWorker({ stdout: 'ignore', stderr: 'ignore', ...options })
}

type ErrorClass<E> = abstract new (...args: never[]) => E

/** What a promise rejects with, which must be of this class. */
export async function rejection<E>(promise: Promise<unknown>, errorClass: ErrorClass<E>): Promise<E> {
  const settled = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  expect(settled).toHaveProperty('error')
  const { error } = settled as { error: unknown }
  expect(error).toBeInstanceOf(errorClass)
  return error as E
}

/** Usable: a call gives its value, and the worker is idle one turn later. */
export async function expectUsable(worker: Worker): Promise<void> {
  expect(await worker.call((a: number, b: number) => a + b, [20, 22])).toBe(42)
  await worker.whenIdle()
  expect(worker.state).toBe('idle')
}

/** Waits until something holds, and says what if it never does. */
export async function until(what: string, holds: () => boolean, limitMs = 10_000): Promise<void> {
  if (!(await pollUntil(holds, limitMs))) throw new Error(`never so, within ${limitMs} ms: ${what}`)
}

/** All events from here on. */
export function recordEvents(
  filter?: Parameters<typeof observe>[1],
): { events: MaltsterEvent[] } & Disposable {
  const events: MaltsterEvent[] = []
  const watching = observe((event) => events.push(event), filter)
  return { events, [Symbol.dispose]: () => watching[Symbol.dispose]() }
}

/** Events of one type. */
export function ofType<T extends MaltsterEvent['type']>(
  events: readonly MaltsterEvent[],
  type: T,
): Extract<MaltsterEvent, { type: T }>[] {
  return events.filter((event): event is Extract<MaltsterEvent, { type: T }> => event.type === type)
}

/** Process warnings from here on. */
export function recordWarnings(): { warnings: Error[] } & Disposable {
  const warnings: Error[] = []
  const listen = (warning: Error): void => void warnings.push(warning)
  process.on('warning', listen)
  return { warnings, [Symbol.dispose]: () => void process.off('warning', listen) }
}
