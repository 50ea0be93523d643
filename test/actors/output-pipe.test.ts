import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Output } from '../../src/actors/output.ts'
import { BoundedPipe } from '../../src/actors/output/bounded-pipe.ts'
import { Sink, Source, turn } from './output-streams.ts'

async function readAll(pipe: BoundedPipe): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of pipe.stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** The n-th word says where it stood. */
function words(start: number, count: number): Buffer {
  const bytes = Buffer.alloc(4 * count)
  for (let n = 0; n < count; n++) bytes.writeUInt32BE(start + n, 4 * n)
  return bytes
}

const step = fc.record({ write: fc.nat(60), read: fc.nat(60), waits: fc.boolean() })

test('received and dropped make what was written, and what is received is in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 50 }),
      fc.array(step, { maxLength: 30 }),
      async (max, steps) => {
        const dropped: number[] = []
        const pipe = new BoundedPipe(4 * max, (bytes) => dropped.push(bytes))
        const received: Buffer[] = []
        let written = 0
        for (const { write, read, waits } of steps) {
          pipe.write(words(written, write))
          written += write
          const bytes = read === 0 ? null : (pipe.stream.read(4 * read) as Buffer | null)
          if (bytes !== null) received.push(bytes)
          if (waits) await turn()
        }
        pipe.end()
        received.push(await readAll(pipe))
        await turn()
        const all = Buffer.concat(received)
        expect(all.length + pipe.droppedBytes).toBe(4 * written)
        expect(dropped.reduce((sum, bytes) => sum + bytes, 0)).toBe(pipe.droppedBytes)
        for (let at = 4; at < all.length; at += 4) {
          expect(all.readUInt32BE(at)).toBeGreaterThan(all.readUInt32BE(at - 4))
        }
        // The newest bytes are never the ones that go.
        if (all.length >= 4) expect(all.readUInt32BE(all.length - 4)).toBe(written - 1)
      },
    ),
    { numRuns: 300 },
  )
})

test('without a reader exactly the newest bytes are kept, and can be read after the end', async () => {
  const pipe = new BoundedPipe(10)
  for (const text of ['abc', 'defghijk', 'l', '', 'mnopqrstuvwxyzABCDEF', 'G']) pipe.write(Buffer.from(text))
  pipe.end()
  expect(pipe.droppedBytes).toBe(33 - 10)
  expect((await readAll(pipe)).toString()).toBe('xyzABCDEFG')
})

test('a reader that reads keeps everything', async () => {
  const pipe = new BoundedPipe(2 ** 20)
  const all = readAll(pipe)
  const chunk = Buffer.alloc(2 ** 16, 'x')
  for (let n = 0; n < 320; n++) {
    pipe.write(chunk)
    await turn()
  }
  pipe.end()
  expect((await all).length).toBe(320 * 2 ** 16)
  expect(pipe.droppedBytes).toBe(0)
})

test('drops are told once a turn', async () => {
  const told: number[] = []
  const pipe = new BoundedPipe(4, (bytes) => told.push(bytes))
  for (let n = 0; n < 10; n++) pipe.write(Buffer.from('1234'))
  expect(told).toEqual([])
  await turn()
  await turn()
  expect(told).toEqual([36])
  pipe.write(Buffer.from('5'))
  await turn()
  await turn()
  expect(told).toEqual([36, 1])
})

test('the worker’s stream is read though nobody reads ours, or it is destroyed; its tail is there', async () => {
  const source = new Source()
  const host = new Sink()
  const output = new Output(source, 'pipe', 'w', host, { maxBufferedBytes: 1000 })
  const chunk = Buffer.alloc(2 ** 16, 'x')
  for (let n = 0; n < 20; n++) await source.give(chunk)
  expect(source.readableLength).toBe(0)
  expect(output.droppedBytes).toBe(20 * 2 ** 16 - 1000)
  output.stream?.destroy()
  await source.give(chunk, 'no newline')
  expect(source.readableLength).toBe(0)
  expect(output.droppedBytes).toBe(20 * 2 ** 16 - 1000)
  await source.over()
  await output.ended
  expect(output.tail.endsWith('no newline')).toBe(true)
  expect(host.text).toBe('')
})

test.each(['end', 'stop'] as const)(
  'what is left can be read after the %s of the worker, then comes the end',
  async (how) => {
    const source = new Source()
    const output = new Output(source, 'pipe', 'w', new Sink())
    await source.give('raw \r\n', Buffer.of(0xff), 'rest')
    if (how === 'end') await source.over()
    else output.stop()
    await output.ended
    const chunks: Buffer[] = []
    for await (const chunk of output.stream!) chunks.push(chunk as Buffer)
    expect(Buffer.concat(chunks)).toEqual(
      Buffer.concat([Buffer.from('raw \r\n'), Buffer.of(0xff), Buffer.from('rest')]),
    )
  },
)

test('only `pipe` has a stream', () => {
  const output = new Output(new Source(), 'ignore', 'w', new Sink())
  expect(output.stream).toBeUndefined()
  expect(output.droppedBytes).toBe(0)
})
