import {
  inProcessWorker,
  type MaltsterEvent,
  observe,
  spawnWorker,
  type Worker,
  type WorkerOptions,
} from 'maltster'
import { command } from 'maltster/transport'
import { expect, inject, test } from 'vitest'
import { descendants, pollUntil, waitUntilGone } from '../support/processes.ts'
import { type Capability, capabilitiesOf, type WorkerKind } from '../support/worker-kinds.ts'

/** What the workers of this run are; see `worker-kinds.ts`. */
export const kind: WorkerKind = inject('workerKind')

/** Whether the workers of this run can do that. */
export function can(capability: Capability): boolean {
  return capabilitiesOf[kind].includes(capability)
}

/** `test`, or, where the workers of this run can't do what it is about, nothing: there is no such test then. */
export function whereItCan(...needed: Capability[]): typeof test {
  return needed.every(can) ? test : leftOut
}

const leftOut = Object.assign(() => {}, { each: () => () => {} }) as unknown as typeof test

/** What makes a worker one of this run's kind. A launcher that changes nothing stands for all launchers. */
export function optionsOfKind(): WorkerOptions {
  if (kind === 'uds' || kind === 'tcp') return { transport: kind }
  return kind === 'command' ? { launcher: command(['env', '-u', 'NOBODY_HAS_THIS']) } : {}
}

/** A worker of this run's kind, with the defaults of the package. */
export function startWorker(options: WorkerOptions = {}): Promise<Worker> {
  return kind === 'in-process' ? inProcessWorker(options) : spawnWorker({ ...optionsOfKind(), ...options })
}

/** A worker that prints nothing of its own into the report of the tests. */
export function quietWorker(options: WorkerOptions = {}): Promise<Worker> {
  if (can('process')) return startWorker({ stdout: 'ignore', stderr: 'ignore', ...options })
  // Where nothing can be cut off, there is no time to try it in.
  const { interruptGraceMs: _, ...rest } = options
  return startWorker(rest)
}

/** A worker whose loops say on stderr that they spin: by `process.getBuiltinModule('node:fs').writeSync(2, 'spins\n')`. */
export async function spinner(
  options: WorkerOptions = {},
): Promise<{ worker: Worker; spins: () => Promise<void> }> {
  let isSpinning = false
  const worker = await quietWorker({
    interruptGraceMs: 10_000,
    ...options,
    stderr: () => (isSpinning = true),
  })
  const spins = async (): Promise<void> => {
    await until('it spins', () => isSpinning)
    isSpinning = false
  }
  return { worker, spins }
}

/** Waits until a process is gone whose start was told; a launcher tells no id then, so that all have to be gone. */
export async function expectGone(pid: number): Promise<void> {
  const isGone = (): boolean => descendants(pid === 0 ? process.pid : pid).length === 0
  if (pid !== 0) await waitUntilGone(pid)
  await until('all processes are gone', isGone)
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
export async function until(what: string, holds: () => boolean, limitMs = 30_000): Promise<void> {
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
