import type { LoadedModule, RemoteRef, Worker, WorkerStream } from 'maltster'

/** Holds when it compiles: `tsconfig.test.json` checks it. Never run. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

function holds<_T extends true>(): void {}

interface Tasks {
  double: (n: number) => number
  fetchText: (url: string, tries?: number) => Promise<string>
  rates: { EUR: number }
  later: Promise<Date>
  lines: (path: string) => AsyncGenerator<string>
  upTo: (n: number) => Generator<Promise<number>>
  Shape: new (name: string) => { name: string }
  then: () => void
}

export async function exportsAreInferred(worker: Worker, tasks: LoadedModule<Tasks>): Promise<void> {
  const doubled = tasks.double(2)
  holds<Same<typeof doubled, Promise<number>>>()
  const text = tasks.fetchText('x')
  holds<Same<typeof text, Promise<string>>>()
  const withOptions = tasks.fetchText.with({ timeoutMs: 5 })('x', 2)
  holds<Same<typeof withOptions, Promise<string>>>()
  const rates = tasks.rates.get()
  holds<Same<typeof rates, Promise<{ EUR: number }>>>()
  const later = tasks.later.get()
  holds<Same<typeof later, Promise<Date>>>()
  const lines = tasks.lines('x')
  holds<Same<typeof lines, WorkerStream<string>>>()
  const upTo = tasks.upTo.with({ windowItems: 4 })(2)
  holds<Same<typeof upTo, WorkerStream<number>>>()
  const called = worker.call(tasks.double, [2])
  holds<Same<typeof called, Promise<number>>>()
  const kept = await worker.keep(tasks.double, [2])
  holds<Same<typeof kept, RemoteRef<number>>>()
  void tasks.double(kept)
  const shape = tasks.Shape.get()
  holds<Same<typeof shape, Promise<never>>>()

  const path = await worker.load(() => import('node:path'))
  const joined = path.join('a', 'b')
  holds<Same<typeof joined, Promise<string>>>()
  const named = await worker.load<Tasks>('./tasks.js', { from: import.meta.url })
  holds<Same<typeof named, LoadedModule<Tasks>>>()
  const unknown = await worker.load('tasks')
  void unknown['anything']?.(1, 'two')

  // @ts-expect-error -- the argument is of the wrong type
  void tasks.double('2')
  // @ts-expect-error -- an argument is missing
  void tasks.double()
  // @ts-expect-error -- there is no such export
  void tasks.triple(2)
  // @ts-expect-error -- the options of a stream are not those of a call
  void tasks.double.with({ windowItems: 4 })
  // @ts-expect-error -- the reference is to a value of another type
  void tasks.fetchText(kept)
  // @ts-expect-error -- a value is no function
  void tasks.rates()
  // @ts-expect-error -- it is read here, and lives there
  tasks.rates.EUR = 2
  // @ts-expect-error -- there is no such option
  void tasks.double.with({ timeout: 5 })
  // @ts-expect-error -- `then` would make it a promise
  void tasks.then
  // @ts-expect-error -- a class can't be used from here
  void new tasks.Shape('x')
}
