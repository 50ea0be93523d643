import type { Pool, WorkerHandle } from 'maltster'
import { pool } from 'maltster'

/** Holds when it compiles: `tsconfig.test.json` checks it. Never run. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

function holds<_T extends true>(): void {}

export async function itemsAndResultsAreInferred(workers: Pool): Promise<void> {
  const sum = workers.call((a: number, b: number) => a + b, [1, 2], { priority: 1, key: 'a' })
  holds<Same<typeof sum, Promise<number>>>()

  const lengths = workers.map(['a', 'b'], (word) => word.length)
  holds<Same<typeof lengths, Promise<number[]>>>()

  const awaited = workers.map(new Set([1]), async (n, index) => ({ n, index }))
  holds<Same<typeof awaited, Promise<{ n: number; index: number }[]>>>()

  async function* words(): AsyncGenerator<string> {
    yield 'a'
  }
  const stream = workers.mapStream(words(), (word) => word.toUpperCase(), {
    key: (word, index) => `${word}${index}`,
    onError: (_, { item }) => item,
  })
  holds<Same<typeof stream, AsyncGenerator<string, void, void>>>()

  const byName = workers.map<number, Date>([1], { module: 'node:x', export: 'y' })
  holds<Same<typeof byName, Promise<Date[]>>>()

  const everywhere = workers.broadcast((n: number) => String(n), [1], { future: false })
  holds<Same<typeof everywhere, Promise<string[]>>>()

  for (const member of workers) holds<Same<typeof member, WorkerHandle>>()

  const [member] = workers
  const ref = await member!.keep(() => ['a', 'b'])
  const sizes = workers.map([ref, ref], (list, index) => list.length + index, {
    onError: (_, { item }) => item.number,
  })
  holds<Same<typeof sizes, Promise<number[]>>>()
  const either = workers.map([1, 'a'], (item) => item)
  holds<Same<typeof either, Promise<(string | number)[]>>>()
  const items = workers.map([async () => 1], async (item) => item())
  holds<Same<typeof items, Promise<number[]>>>()

  // @ts-expect-error -- an item is no number
  void workers.map(['a'], (n: number) => n)
  const some = workers.map([1], (n) => n, { onError: async () => 'text' })
  holds<Same<typeof some, Promise<(string | number)[]>>>()
  const someOfThem = workers.mapStream([1], async (n) => n, { onError: () => null })
  holds<Same<typeof someOfThem, AsyncGenerator<number | null, void, void>>>()
  const asSaid = workers.map<number, Date>(
    [1],
    { module: 'node:x', export: 'y' },
    { onError: () => new Date() },
  )
  holds<Same<typeof asSaid, Promise<Date[]>>>()
  const nothing = workers.call((n: number) => n, [1], { result: 'discard', priority: 1 })
  holds<Same<typeof nothing, Promise<undefined>>>()
  // @ts-expect-error -- an argument is of another type, be the result wanted or not
  void workers.call((n: number) => n, ['a'], { result: 'discard' })
  // @ts-expect-error -- an argument is missing
  void workers.call((a: number) => a)
  // @ts-expect-error -- a call of a pool is never in the background
  void workers.call(() => 1, [], { background: true })
  // @ts-expect-error -- the pool names its members itself
  await pool({ worker: { name: 'x' } })
}
