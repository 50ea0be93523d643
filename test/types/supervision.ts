import type {
  Channel,
  ChildSpec,
  KeptInfo,
  Pool,
  RemoteRef,
  Supervisor,
  WorkerHandle,
  WorkerStream,
} from 'maltster'
import { root, supervise } from 'maltster'

/** Holds when it compiles: `tsconfig.test.json` checks it. Never run. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

function holds<_T extends true>(): void {}

const parser = { id: 'parser', worker: { maxHeapMb: 100 } } as const

export async function childIdsAreInferred(): Promise<void> {
  const app = await supervise({
    name: 'app',
    strategy: 'rest-for-one',
    children: [
      { id: 'kernel', worker: { concurrency: 1 }, restart: 'transient' },
      { id: 'crew', pool: { size: 2 } },
      { id: 'jobs', supervisor: { children: [parser, { id: 'deep', supervisor: { children: [parser] } }] } },
      { id: 'guests', supervisor: { maxChildren: 10 } },
    ],
  })
  const kernel = app.worker('kernel')
  holds<Same<typeof kernel, WorkerHandle>>()
  app.worker('jobs/parser')
  app.worker('jobs/deep/parser')
  app.supervisor('jobs').worker('parser')
  app.supervisor('jobs').supervisor('deep').worker('parser')
  app.supervisor('jobs/deep').worker('parser')
  const crew = app.pool('crew')
  holds<Same<typeof crew, Pool>>()
  const member = app.worker('crew/worker-1')
  // What comes at run time is not known.
  app.worker('guests/anybody')
  app.supervisor('guests').worker('anybody')

  const some: Supervisor = app
  some.worker('whatever')

  holds<Same<typeof member, WorkerHandle>>()
  // @ts-expect-error -- what members of pools are not called
  app.worker('crew/member-1')
  // @ts-expect-error -- a worker has no members
  app.worker('kernel/worker-1')
  // @ts-expect-error -- misspelt
  app.worker('kernl')
  // @ts-expect-error -- misspelt below
  app.worker('jobs/persar')
  // @ts-expect-error -- misspelt deep below
  app.worker('jobs/deep/persar')
  // @ts-expect-error -- misspelt above
  app.worker('job/parser')
  // @ts-expect-error -- a pool, not a worker
  app.worker('crew')
  // @ts-expect-error -- a worker, not a supervisor
  app.supervisor('kernel')
  // @ts-expect-error -- a worker, not a pool
  app.pool('kernel')
  // @ts-expect-error -- below a supervisor that was looked up
  app.supervisor('jobs').worker('persar')
}

export async function handlesOfChildrenThatComeLater(app: Supervisor): Promise<void> {
  const worker = await app.startChild({ id: 'a', worker: {} })
  holds<Same<typeof worker, WorkerHandle>>()
  const pool = await app.startChild({ id: 'b', pool: {} })
  holds<Same<typeof pool, Pool>>()
  const jobs = await app.startChild({ id: 'c', supervisor: { children: [parser] } })
  jobs.worker('parser')
  // @ts-expect-error -- misspelt
  jobs.worker('persar')
  app.worker('whatever')
  root().worker('app/whatever')
  root().supervisor('app').supervisor('jobs')
}

export async function specsThatWereNotWrittenInPlace(children: ChildSpec[]): Promise<void> {
  const app = await supervise({ children })
  app.worker('whatever')
  app.supervisor('whatever').pool('whatever')
  const any: Supervisor = app
  any.worker('whatever')
}

export async function specsAreChecked(): Promise<void> {
  // @ts-expect-error -- no such strategy
  await supervise({ strategy: 'one-for-al' })
  // @ts-expect-error -- no such field
  await supervise({ maxRestart: 3 })
  // @ts-expect-error -- a child has an id
  await supervise({ children: [{ worker: {} }] })
  // @ts-expect-error -- no such option of a worker
  await supervise({ children: [{ id: 'a', worker: { maxHeap: 3 } }] })
}

export async function handlesCallAsWorkersDo(handle: WorkerHandle): Promise<void> {
  const stream = handle.stream(
    function* (count: number) {
      yield String(count)
    },
    [3],
    { windowItems: 1, whenDown: 'reject' },
  )
  holds<Same<typeof stream, WorkerStream<string>>>()
  const ref = handle.keep(async (n: number) => [n], [1], { retry: { times: 1 }, timeoutMs: 1 })
  holds<Same<typeof ref, Promise<RemoteRef<number[]>>>>()
  const length = handle.call((items: number[]) => items.length, [await ref])
  holds<Same<typeof length, Promise<number>>>()
  const channel = handle.channel<Date>({ capacity: 1 })
  holds<Same<typeof channel, Channel<Date>>>()
  const kept = handle.refs()
  holds<Same<typeof kept, KeptInfo[]>>()
  const path = await handle.load(() => import('node:path'))
  const joined = path.join('a', 'b')
  holds<Same<typeof joined, Promise<string>>>()
  const separator = await path.sep.get()
  holds<Same<typeof separator, '/' | '\\'>>()
  const asked = handle.call(async (ask: (n: number) => Promise<string>) => ask(1), [(n: number) => `${n}`])
  holds<Same<typeof asked, Promise<string>>>()

  // @ts-expect-error -- an argument is missing
  handle.stream(function* (n: number) {
    yield n
  })
  // @ts-expect-error -- what has begun is never begun again
  handle.stream(() => [1], [], { retry: { times: 1 } })
  // @ts-expect-error -- what is kept is not sent back
  void handle.keep(() => 1, [], { result: 'discard' })
  // @ts-expect-error -- a reference to something else
  void handle.call((text: string) => text, [await ref])
  // @ts-expect-error -- no such export
  void path.jion
}
