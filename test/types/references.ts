import type { RemoteRef, Worker } from 'maltster'

/** Holds when it compiles: `tsconfig.test.json` checks it. Never run. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

function holds<_T extends true>(): void {}

export async function referencesAreInferred(worker: Worker): Promise<void> {
  const list = await worker.keep(async (n: number) => [n], [1])
  holds<Same<typeof list, RemoteRef<number[]>>>()
  const copy = list.get()
  holds<Same<typeof copy, Promise<number[]>>>()
  const text = await list.map((values) => values.join())
  holds<Same<typeof text, RemoteRef<string>>>()
  const mixed = worker.call(
    (values: number[], more: number, word?: string) => [values, more, word] as const,
    [list, 1, text],
  )
  holds<Same<typeof mixed, Promise<readonly [number[], number, string | undefined]>>>()
  const kept = await worker.keep((values: number[]) => new Set(values), [list])
  holds<Same<typeof kept, RemoteRef<Set<number>>>>()
  const byName = await worker.keep<Date>({ module: 'node:x', export: 'y' }, [list])
  holds<Same<typeof byName, RemoteRef<Date>>>()

  // @ts-expect-error -- the reference is to a value of another type
  void worker.call((word: string) => word, [list])
  // @ts-expect-error -- the function takes something else
  void list.map((word: string) => word)
  // @ts-expect-error -- what is kept is not discarded
  void worker.keep(() => 1, [], { result: 'discard' })
  // @ts-expect-error -- it is no array here
  void list.length
}
