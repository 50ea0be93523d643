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

export async function specsThatAreWrittenOutAreChecked(app: Supervisor): Promise<void> {
  await supervise({
    maxRestarts: 3,
    backoff: { minMs: 5, jitter: 'full' },
    children: [
      {
        id: 'a',
        worker: { stdout: (line) => line.length, maxHeapMb: 100 },
        init: () => 'skip',
        shutdownMs: 5,
      },
      { id: 'b', pool: { size: 2, worker: { stderr: 'ignore' }, recycle: { afterCalls: 3 } } },
      { id: 'c', supervisor: { strategy: 'one-for-all', children: [{ id: 'd', worker: {} }] } },
      { id: 'e', worker: {}, init: { module: 'x', export: 'y', args: [1] } },
    ],
  })
  await supervise({ children: ['a', 'b'].map((id) => ({ id, worker: {} })) })
  // @ts-expect-error -- a misspelt field
  await supervise({ strategi: 'one-for-all', children: [] })
  // @ts-expect-error -- a misspelt field of a child
  await supervise({ children: [{ id: 'a', worker: {}, restrat: 'temporary' }] })
  // @ts-expect-error -- a misspelt option beside a right one
  await supervise({ children: [{ id: 'a', worker: { maxHeapMb: 100, maxHepMb: 1 } }] })
  // @ts-expect-error -- the same of a pool
  await supervise({ children: [{ id: 'a', pool: { size: 1, spars: 1 } }] })
  // @ts-expect-error -- and of the waits
  await supervise({ backoff: { minMs: 1, macMs: 2 } })
  // @ts-expect-error -- two kinds
  await supervise({ children: [{ id: 'a', worker: {}, pool: {} }] })
  // @ts-expect-error -- no kind
  await supervise({ children: [{ id: 'a' }] })
  // @ts-expect-error -- no kind, deep below
  await supervise({ children: [{ id: 'a', supervisor: { children: [{ id: 'b' }] } }] })
  // @ts-expect-error -- no kind, at run time
  await app.startChild({ id: 'a' })
  // @ts-expect-error -- two kinds, at run time
  await app.startChild({ id: 'a', worker: {}, supervisor: {} })
}

export async function resultsThatAreDropped(handle: WorkerHandle): Promise<void> {
  const nothing = handle.call(() => 5, [], { result: 'discard', retry: { times: 1 } })
  holds<Same<typeof nothing, Promise<undefined>>>()
  const of = handle.current!.call(() => 5, undefined, { result: 'discard' })
  holds<Same<typeof of, Promise<undefined>>>()
  const value = handle.call(() => 5, [], { result: 'value' })
  holds<Same<typeof value, Promise<number>>>()
}
