import type { Channel } from 'maltster'
import { expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { expectUsable, quietWorker } from './workers.ts'

useLeakCheck()

const pageBytes = 64 * 2 ** 20

/** How many were answered in either way: more than some can be on their way at once. */
type Answered = Record<string, number>

test('each callback is answered, though more is asked for than may be on its way', async () => {
  await using worker = await quietWorker()
  const page = new Uint8Array(pageBytes)
  const answered = await worker.call(
    async (read: () => Promise<Uint8Array>): Promise<Answered> => {
      const counts: Answered = {}
      const count = (key: string): void => void (counts[key] = (counts[key] ?? 0) + 1)
      const one = (): Promise<void> =>
        read().then(
          (bytes) => count(String(bytes.byteLength)),
          (error: Error) => count(error.name),
        )
      await Promise.all(Array.from({ length: 40 }, one))
      // What was refused can be asked for again.
      await one()
      return counts
    },
    [() => page],
  )
  expect(Object.keys(answered).toSorted()).toEqual([String(pageBytes), 'BackpressureError'])
  expect(answered[String(pageBytes)]).toBeGreaterThan(4)
  expect(answered[String(pageBytes)]! + answered['BackpressureError']!).toBe(41)
  await expectUsable(worker)
})

test('what is refused to a receiver stays in its channel', async () => {
  await using worker = await quietWorker()
  const channel = worker.channel<Uint8Array>({ capacity: 20, maxBytes: 2 ** 31 })
  for (let n = 0; n < 8; n++) await channel.send(new Uint8Array(pageBytes).fill(n, 0, 1))
  const received = await worker.call(
    async (from: Channel<Uint8Array>) => {
      const first: number[] = []
      const refused: string[] = []
      const take = (): Promise<void> =>
        from.receive().then(
          (bytes) => void first.push(bytes[0]!),
          (error: Error) => void refused.push(error.name),
        )
      await Promise.all(Array.from({ length: 8 }, take))
      const afterwards = refused.length
      while (first.length < 8) await take()
      return { first, refused: refused.slice(0, afterwards), wasRefused: afterwards > 0 }
    },
    [channel],
  )
  expect(received.first).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  expect(received.wasRefused).toBe(true)
  expect(new Set(received.refused)).toEqual(new Set(['BackpressureError']))
  channel.close()
  await expectUsable(worker)
})
