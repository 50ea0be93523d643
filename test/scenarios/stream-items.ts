import type { Worker } from 'maltster'

/** What generators have written down in a worker since it was asked last, in order. */
export const notesOf = (worker: Worker): Promise<string[]> =>
  worker.call(() => (globalThis as { noted?: string[] }).noted?.splice(0) ?? [])

/** All items of a stream, once it has ended. */
export async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of stream) items.push(item)
  return items
}
