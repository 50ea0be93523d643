import type { Worker } from 'maltster'

/** Holds when it compiles: `tsconfig.test.json` checks it. Never run. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

function holds<_T extends true>(): void {}

export function argumentAndResultTypesAreInferred(worker: Worker): void {
  const number = worker.call((a: number, b: number) => a + b, [1, 2])
  holds<Same<typeof number, Promise<number>>>()

  const awaited = worker.call(async (text: string) => ({ length: text.length }), ['text'])
  holds<Same<typeof awaited, Promise<{ length: number }>>>()

  const none = worker.call(() => 'text')
  holds<Same<typeof none, Promise<string>>>()

  const optional = worker.call((a?: number) => a)
  holds<Same<typeof optional, Promise<number | undefined>>>()

  const byName = worker.call<Date>({ module: 'node:x', export: 'y' }, [1])
  holds<Same<typeof byName, Promise<Date>>>()

  const unknown = worker.call({ module: 'node:x', export: 'y' })
  holds<Same<typeof unknown, Promise<unknown>>>()

  // The compiler takes the type of a parameter from what is asked for before it looks at its default: it has to be written.
  const withDefault = worker.call((a: number, b: number = 3) => a + b, [1])
  holds<Same<typeof withDefault, Promise<number>>>()
  const declared = (a: number, b = 3): number => a + b
  void worker.call(declared, [1])
  void worker.call(declared, [1, 2])
  // @ts-expect-error -- `b` is unknown there
  void worker.call((a: number, b = 3) => a + b, [1])
  // @ts-expect-error -- the default says what may be given
  void worker.call(declared, [1, 'text'])

  // @ts-expect-error -- the argument is of the wrong type
  void worker.call((a: number) => a, ['text'])
  // @ts-expect-error -- an argument is missing
  void worker.call((a: number) => a)
  // @ts-expect-error -- one argument too many
  void worker.call((a: number) => a, [1, 2])
  // @ts-expect-error -- there is no such option
  void worker.call(() => 1, [], { timeout: 5 })
  // @ts-expect-error -- a cast has no time limit
  worker.cast(() => 1, [], { timeoutMs: 5 })
  // @ts-expect-error -- the actor is for reading
  worker.actor.send({ type: 'call.first' })
}
