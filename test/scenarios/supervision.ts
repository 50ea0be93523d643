import { readdirSync } from 'node:fs'
import type { ChildSpec, MaltsterEvent, Supervisor, WorkerHandle, WorkerOptions } from 'maltster'
import { expect } from 'vitest'
import { processState } from '../support/processes.ts'
import { ofType, optionsOfKind, until } from './workers.ts'

/** Options of workers of this run's kind that print nothing of their own into the report of the tests. */
export const quiet: WorkerOptions = { stdout: 'ignore', stderr: 'ignore', ...optionsOfKind() }

/** A worker that is the child of a supervisor. */
export function child<const Id extends string, const More extends Omit<ChildSpec, 'id' | 'worker'>>(
  id: Id,
  more?: More,
): { readonly id: Id; readonly worker: WorkerOptions } & More {
  return { id, worker: quiet, ...more } as { readonly id: Id; readonly worker: WorkerOptions } & More
}

/** The processes of some children, by id. */
export function pids(supervisor: Supervisor, ...ids: string[]): Record<string, number | undefined> {
  return Object.fromEntries(ids.map((id) => [id, supervisor.worker(id).pid]))
}

/** Waits until a child is in another life, and that takes calls. */
export async function reborn(handle: WorkerHandle, after: number | undefined): Promise<void> {
  await until(`${handle.path} is back`, () => handle.pid !== undefined && handle.pid !== after)
}

/** Kills a process as nobody here would, and waits until its place has another. */
export async function killAndWait(handle: WorkerHandle): Promise<void> {
  const { pid } = handle
  process.kill(pid!, 'SIGKILL')
  await reborn(handle, pid)
}

/** `a↑` for each child that has been started, `a↓` for each that has ended, in order. */
export function moves(events: readonly MaltsterEvent[]): string[] {
  return events.flatMap((event) => {
    const name = event.path.split('/').at(-1)
    if (event.type === 'worker.ready') return [`${name}↑`]
    return event.type === 'worker.exited' ? [`${name}↓`] : []
  })
}

/** What became of those that died by themselves. */
export function outcomes(events: readonly MaltsterEvent[]): string[] {
  return ofType(events, 'supervisor.childTerminated').map(({ child: { id }, outcome }) => `${id} ${outcome}`)
}

/** Kills it, and holds this process up until it is dead: nothing here can know of it then. */
export function killUnnoticed(pid: number): void {
  process.kill(pid, 'SIGKILL')
  const endsAt = performance.now() + 5000
  while (processState(pid) === 'running' && performance.now() < endsAt);
  // Its main thread may be gone before the others are, and with them its end of the lanes.
  while (readdirSync(`/proc/${pid}/task`).length > 1 && performance.now() < endsAt);
  expect([processState(pid), readdirSync(`/proc/${pid}/task`).length]).toEqual(['zombie', 1])
}
