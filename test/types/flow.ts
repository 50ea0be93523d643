import type { Channel, Worker } from 'maltster'
import { proxy } from 'maltster'

/** Holds when it compiles: `tsconfig.test.json` checks it. Never run. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

function holds<_T extends true>(): void {}

export function callbacksMayBeAsyncOrNot(worker: Worker): void {
  const work = async (tell: (n: number) => Promise<string>): Promise<string> => tell(1)
  const result = worker.call(work, [(n) => n.toFixed()])
  holds<Same<typeof result, Promise<string>>>()
  void worker.call(work, [async (n) => n.toFixed()])
  void worker.call(
    async ({ on }: { on: { progress: (n: number) => Promise<void> } }) => on.progress(1),
    [{ on: { progress: (n: number) => void n } }],
  )
  void worker.call(work, [proxy(async (n: number) => String(n))])

  // @ts-expect-error -- the callback answers with the wrong type
  void worker.call(work, [(n: number) => n])
  // @ts-expect-error -- the callback takes the wrong type
  void worker.call(work, [(n: string) => n])
  // @ts-expect-error -- not a function
  void worker.call(work, [1])
}

export function channelsHaveTheTypeOfTheirValues(worker: Worker): void {
  const numbers = worker.channel<number>({ capacity: 1 })
  const received = numbers.receive()
  holds<Same<typeof received, Promise<number>>>()
  const tried = numbers.tryReceive()
  holds<Same<typeof tried, Promise<{ readonly value: number } | undefined>>>()
  void worker.call(async (to: Channel<number>) => to.send(1), [numbers])

  // @ts-expect-error -- a value of another type
  void numbers.send('text')
  // @ts-expect-error -- a channel of another type
  void worker.call(async (to: Channel<string>) => to.send('text'), [numbers])
  // @ts-expect-error -- there is no such option
  worker.channel({ size: 1 })
}
