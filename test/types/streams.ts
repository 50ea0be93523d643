import type { Worker, WorkerStream } from 'maltster'

/** Holds when it compiles: `tsconfig.test.json` checks it. Never run. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

function holds<_T extends true>(): void {}

export function itemTypesAreInferred(worker: Worker): void {
  const ofGenerator = worker.stream(
    function* (count: number) {
      for (let n = 0; n < count; n++) yield `${n}`
    },
    [3],
  )
  holds<Same<typeof ofGenerator, WorkerStream<string>>>()

  const ofAsync = worker.stream(
    async function* (n: number) {
      yield n
      yield null
    },
    [1],
  )
  holds<Same<typeof ofAsync, WorkerStream<number | null>>>()

  const ofArray = worker.stream((text: string) => [text, text.length], ['a'])
  holds<Same<typeof ofArray, WorkerStream<string | number>>>()

  const ofPromise = worker.stream(async () => new Set([1n]))
  holds<Same<typeof ofPromise, WorkerStream<bigint>>>()

  const ofPromises = worker.stream(() => [Promise.resolve(true)])
  holds<Same<typeof ofPromises, WorkerStream<boolean>>>()

  const byName = worker.stream<Date>({ module: 'node:x', export: 'y' }, [1])
  holds<Same<typeof byName, WorkerStream<Date>>>()

  const unknown = worker.stream({ module: 'node:x', export: 'y' }, [], { windowItems: 5 })
  holds<Same<typeof unknown, WorkerStream<unknown>>>()

  // @ts-expect-error -- a number can't be iterated
  worker.stream(() => 1)
  // @ts-expect-error -- the argument is of the wrong type
  worker.stream((a: number) => [a], ['text'])
  // @ts-expect-error -- an argument is missing
  worker.stream((a: number) => [a])
  // @ts-expect-error -- every item is wanted
  worker.stream(() => [1], [], { result: 'discard' })
  // @ts-expect-error -- there is no such option
  worker.stream(() => [1], [], { window: 5 })
}

export async function itemsAreTyped(worker: Worker): Promise<void> {
  for await (const item of worker.stream(() => [{ name: 'a', size: 1 }])) {
    holds<Same<typeof item, { name: string; size: number }>>()
  }
  await using stream = worker.stream(() => [1])
  const result = await stream.next()
  if (result.done === true) holds<Same<typeof result.value, undefined>>()
  else holds<Same<typeof result.value, number>>()
}
