import type { CallOptions, Channel, Pool, RemoteRef, Worker, WorkerHandle } from 'maltster'
import { proxy } from 'maltster'

/** Holds when it compiles: `tsconfig.test.json` checks it. Never run. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

function holds<_T extends true>(): void {}

interface Tree {
  readonly name: string
  readonly children: readonly Tree[]
  parent?: Tree
}

type Json = string | number | boolean | null | Json[] | { [name: string]: Json }
type Nested = number | Map<string, Nested>

class Point {
  readonly #x = 1
  norm(): number {
    return this.#x
  }
}

export async function referencesMayBeInsideArguments(worker: Worker, far: RemoteRef<string>): Promise<void> {
  const list = await worker.keep(() => [1])
  const inObject = worker.call(
    (o: { list: number[]; deep: { word?: string } }) => o.list,
    [{ list, deep: { word: far } }],
  )
  holds<Same<typeof inObject, Promise<number[]>>>()
  void worker.call((lists: number[][]) => lists.length, [[list, [1]]])
  void worker.call((pair: [number[], string]) => pair, [[list, far]])
  void worker.call(
    (map: Map<string, number[]>, set: Set<string>) => [map, set],
    [new Map([['a', list]]), new Set([far])],
  )
  void worker.stream((o: { list: number[] }) => o.list, [{ list }])
  worker.cast((o: { list: number[] }) => void o.list, [{ list }])
  using kept = await worker.keep((o: { list: number[] }) => o.list, [{ list }])
  holds<Same<typeof kept, RemoteRef<number[]>>>()

  const wrong = (o: { word: string; list: number[] }): unknown => o
  void worker.call(wrong, [
    {
      // @ts-expect-error -- the reference is to a value of another type
      word: list,
      list,
    },
  ])
  void worker.call(wrong, [
    {
      word: far,
      // @ts-expect-error -- what is in the array is of another type
      list: ['text'],
    },
  ])
  // @ts-expect-error -- the map has other values
  void worker.call((map: Map<string, number>) => map, [new Map([['a', far]])])
}

export function argumentsMayBeAnyData(worker: Worker, tree: Tree, json: Json, nested: Nested): void {
  void worker.call((t: Tree) => t.name, [tree])
  void worker.call(
    (t: Tree) => t.name,
    [{ name: 'a', children: [{ name: 'b', children: [], parent: tree }] }],
  )
  void worker.call((value: Json) => value, [json])
  void worker.call((value: Json) => value, [[1, { a: [null, 'b'] }]])
  void worker.call((value: Nested) => value, [nested])
  void worker.call((point: Point) => point.norm(), [new Point()])
  void worker.call((bytes: Uint8Array, when: Date) => [bytes, when], [new Uint8Array(1), new Date(0)])
  void worker.call((value: unknown, any: any) => [value, any], [() => 1, () => 1])
  void worker.call((...rest: number[]) => rest)
  void worker.call((first: string, ...rest: number[]) => [first, rest], ['a', 1, 2])
  void worker.call((which: 'a' | 'b', flag: boolean | null) => [which, flag], ['a', null])
  // They are copied, so that nobody there writes to these.
  const frozen: readonly number[] = Object.freeze([1, 2])
  void worker.call((values: number[]) => values.push(3), [frozen])
  void worker.call((a: number, b: string) => [a, b], [1, 'b'] as const)

  void worker.call(
    (t: Tree) => t,
    [
      // @ts-expect-error -- of a child's child
      { name: 'a', children: [{ name: 'b', children: [{ name: 1, children: [] }] }] },
    ],
  )
  // @ts-expect-error -- no JSON
  void worker.call((value: Json) => value, [1n])
  // @ts-expect-error -- an array of another type
  void worker.call((values: string[]) => values, [frozen])
}

export async function wrappersMayBeGeneric(worker: Worker, handle: WorkerHandle, pool: Pool): Promise<void> {
  const spread = <A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Promise<Awaited<R>> =>
    worker.call(fn, args)
  const listed = <A extends unknown[], R>(fn: (...args: A) => R, args: A, options: CallOptions) =>
    handle.call(fn, args, options)
  const pooled =
    <A extends unknown[], R>(fn: (...args: A) => R) =>
    (...args: A) =>
      pool.call(fn, args, { retry: { times: 1 } })
  const kept = <A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Promise<RemoteRef<Awaited<R>>> =>
    worker.keep(fn, args)
  const one = <T>(value: T) => worker.call((there: T) => there, [value])
  const ofObject = <T extends { id: string }>(value: T) =>
    worker.call((there: { value: T; all: T[] }) => there.value.id, [{ value, all: [value] }])
  const ofReference = <T>(ref: RemoteRef<T>) => worker.call((there: T) => [there], [ref])
  const mapped = <T, U>(values: T[], fn: (value: T) => Promise<U>) =>
    worker.call(async (all: T[], each: (value: T) => Promise<U>) => Promise.all(all.map(each)), [values, fn])

  const sum = spread((a: number, b: number) => a + b, 1, 2)
  holds<Same<typeof sum, Promise<number>>>()
  const text = listed(async (a: string) => a, ['a'], { timeoutMs: 5 })
  holds<Same<typeof text, Promise<string>>>()
  const size = pooled((a: Set<number>) => a.size)(new Set([1]))
  holds<Same<typeof size, Promise<number>>>()
  const list = await kept((n: number) => [n], 1)
  holds<Same<typeof list, RemoteRef<number[]>>>()
  void [one(1), ofObject({ id: 'a' }), ofReference(list), mapped([1], async (n) => `${n}`)]

  // @ts-expect-error -- the wrapper knows what its function takes
  void spread((a: number) => a, 'text')
  // @ts-expect-error -- a text is no T
  void (<T>(_value: T) => worker.call((there: T) => there, ['text']))
}

export function callbacksAnswerLater(worker: Worker, keep: RemoteRef<(n: number) => boolean>): void {
  void worker.call(async (tell: (n: number) => void) => tell(1), [(n) => n.toFixed()])
  void worker.call(async (tell: (n: number) => Promise<void>) => tell(1), [(n) => [n].push(n)])
  void worker.call(async (tell?: (n: number) => void) => tell?.(1), [async (n) => n])
  void worker.call(async (tell?: (n: number) => void) => tell?.(1))
  void worker.call(async (ask: (n: number) => string | Promise<string>) => ask(1), [(n) => n.toFixed()])
  void worker.call(async (ask: (n: number) => unknown) => ask(1), [(n) => n])
  void worker.call(async (ask: (n: number) => any) => ask(1), [(n) => n])
  void worker.call(
    async (log: { line: (text: string) => void }) => log.line('a'),
    [{ line: (text) => text.length }],
  )
  const filter = (values: number[], wanted: (n: number) => boolean): number[] => values.filter(wanted)
  // It is the function itself there.
  void worker.call(filter, [[1], keep])

  // @ts-expect-error -- there it answers with a promise, and all are kept
  void worker.call(filter, [[1, 2], (n) => n > 1])
  // @ts-expect-error -- which one that is `async` doesn't change
  void worker.call(filter, [[1, 2], async (n) => n > 1])
  // @ts-expect-error -- nor one that lasts
  void worker.call(filter, [[1, 2], proxy((n: number) => n > 1)])
}

export function resultsMayBeDiscarded(worker: Worker, options: CallOptions, channel: Channel<number>): void {
  const none = worker.call((n: number) => n, [1], { result: 'discard', timeoutMs: 5 })
  holds<Same<typeof none, Promise<undefined>>>()
  const noneByName = worker.call({ module: 'node:x', export: 'y' }, [channel], { result: 'discard' })
  holds<Same<typeof noneByName, Promise<undefined>>>()
  const value = worker.call((n: number) => n, [1], { result: 'value' })
  holds<Same<typeof value, Promise<number>>>()
  const whichever = worker.call((n: number) => n, [1], options)
  holds<Same<typeof whichever, Promise<number>>>()

  // @ts-expect-error -- the argument is wrong, whatever becomes of the result
  void worker.call((n: number) => n, ['text'], { result: 'discard' })
  // @ts-expect-error -- there is no such choice
  void worker.call((n: number) => n, [1], { result: 'drop' })
  // @ts-expect-error -- nor such an option, beside one that there is
  void worker.call((n: number) => n, [1], { timeoutMs: 5, timeout: 5 })
}
