import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { DecodeError, ProtocolError, type Worker, WorkerDiedError } from 'maltster'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { type Action, base64, boots, fakeWorker } from '../fixtures/worker/script.ts'
import { useLeakCheck } from '../support/leak-check.ts'
import { processState, waitUntilGone } from '../support/processes.ts'
import { expectUsable, kind, quietWorker, recordEvents, rejection, startWorker, until } from './workers.ts'

useLeakCheck()

const workers: Worker[] = []

afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.stop()))
})

async function aWorker(): Promise<Worker> {
  const worker = await quietWorker()
  workers.push(worker)
  return worker
}

describe('F58: a worker that dies in the middle of a stream', () => {
  test('by SIGKILL: what had come is had, in order, then it is told, once', async () => {
    const worker = await aWorker()
    const stream = worker.stream(async function* () {
      for (let n = 0; ; n++) {
        yield n
        if (n % 10 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
    })
    for (let n = 0; n < 50; n++) expect((await stream.next()).value).toBe(n)
    worker.kill()
    await worker.exited
    let at = 50
    const reading = (async () => {
      for await (const n of stream) expect(n).toBe(at++)
    })()
    const error = await rejection(reading, WorkerDiedError)
    expect(error).toMatchObject({ executed: 'unknown', reason: { type: 'killed', signal: 'SIGKILL' } })
    expect(await stream.next()).toEqual({ done: true, value: undefined })
    expect(await stream.return()).toEqual({ done: true, value: undefined })
  })

  test('by itself, between two items: none of those before is lost', async () => {
    const worker = await aWorker()
    const stream = worker.stream(
      async function* (count: number) {
        const { setTimeout: wait } = await import('node:timers/promises')
        for (let n = 0; n < count; n++) yield { n, text: 'x'.repeat(n) }
        await wait(20)
        process.kill(process.pid, 'SIGKILL')
      },
      [500],
    )
    const seen: number[] = []
    const reading = (async () => {
      for await (const { n, text } of stream) {
        expect(text).toHaveLength(n)
        seen.push(n)
      }
    })()
    await rejection(reading, WorkerDiedError)
    expect(seen).toEqual(Array.from({ length: 500 }, (_, n) => n))
  })

  test('by `process.exit()` in the midst of it: what was yielded is had', async () => {
    const worker = await aWorker()
    const stream = worker.stream(function* () {
      for (let n = 0; n < 300; n++) yield n
      process.exit(7)
    })
    const seen: number[] = []
    const reading = (async () => {
      for await (const n of stream) seen.push(n)
    })()
    expect(await rejection(reading, WorkerDiedError)).toMatchObject({ reason: { type: 'exit', exitCode: 7 } })
    expect(seen).toEqual(Array.from({ length: 300 }, (_, n) => n))
  })

  test('while its consumer leaves: it is left, without an error', async () => {
    const worker = await aWorker()
    const stream = worker.stream(function* () {
      try {
        for (;;) yield 1
      } finally {
        process.kill(process.pid, 'SIGKILL')
      }
    })
    await stream.next()
    expect(await stream.return()).toEqual({ done: true, value: undefined })
    await worker.exited
  })
})

describe('F57: a consumer that stops reading', () => {
  test('the memory there stays within what the window allows, whatever the producer could make', async () => {
    const worker = await aWorker()
    const stream = worker.stream(
      function* () {
        for (;;) yield new Uint8Array(1_000_000).fill(1)
      },
      [],
      { windowBytes: 4_000_000 },
    )
    await stream.next()
    const before = (await worker.stats()).rssBytes!
    const here = process.memoryUsage.rss()
    for (let taken = 0; taken < 50; taken++) {
      expect((await stream.next()).value).toHaveLength(1_000_000)
      // The loop turns there and here: what could be made and sent meanwhile would be.
      await worker.call(() => new Promise((resolve) => setTimeout(resolve, 5)))
    }
    expect((await worker.stats()).rssBytes! - before).toBeLessThan(100_000_000)
    expect(process.memoryUsage.rss() - here).toBeLessThan(200_000_000)
    await stream.return()
  })

  test('a stream that nobody can reach any more is ended', async () => {
    const worker = await aWorker()
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const abandon = async (): Promise<void> => {
      await worker
        .stream(function* () {
          for (let n = 0; ; n++) yield n
        })
        .next()
    }
    await abandon()
    expect(worker.state).toBe('running')
    await until('it was collected', () => {
      collect()
      return worker.state === 'idle'
    })
    await expectUsable(worker)
  })
})

describe('a worker that lies', () => {
  const items = 27
  const granted = 4
  const liar = async (called: readonly Action[]): Promise<Worker> =>
    startWorker(fakeWorker({ ...boots, called }))
  const item = (aux: number, body: readonly number[], times = 1): Action => ({
    do: 'frame',
    type: items,
    aux,
    times,
    body: base64(Buffer.from(body)),
  })

  async function collect(stream: AsyncIterable<unknown>): Promise<unknown[]> {
    const seen: unknown[] = []
    for await (const one of stream) seen.push(one)
    return seen
  }

  test('what keeps to the protocol is believed', async () => {
    const result: Action = { do: 'frame', type: 5, flags: 64 }
    await using worker = await liar([item(2, [0x92, 1, 2]), item(0, [3]), result])
    expect(await collect(worker.stream(() => [1]))).toEqual([1, 2, 3])
  })

  test.each([
    ['more items than were granted', [item(granted + 1, [0x95, 1, 2, 3, 4, 5])]],
    ['more frames than items were granted', [item(0, [1], granted + 1)]],
    [
      'two items of more bytes than were granted',
      [item(2, [0x92, 0xda, 4, 0, ...Array<number>(1024).fill(97), 1])],
    ],
    ['a number of items that no window has', [item(2 ** 32 - 1, [0x90])]],
  ] as const)('%s end it', async (_, called) => {
    await using worker = await liar(called)
    // Nobody takes any, so that nothing more is granted.
    const stream = worker.stream(() => [1], [], { windowItems: granted, windowBytes: 1000 })
    const { type, cause } = await worker.exited
    expect(type).toBe('transport')
    expect(cause).toBeInstanceOf(ProtocolError)
    expect((cause as Error).message).toContain('more than it was granted')
    await rejection(collect(stream), WorkerDiedError)
  })

  test.each([
    ['fewer items than it says', item(2, [0x91, 1])],
    ['no array', item(1, [1])],
    ['bytes that are nothing', item(0, [0xc1])],
    ['an array without end', item(2, [0xdd, 0xff, 0xff, 0xff, 0xff])],
  ] as const)(
    '%s: the stream fails, after what came before, and the worker is asked to end it',
    async (_, bad) => {
      const worker = await liar([item(0, [7]), bad, { do: 'frame', type: 5, flags: 64 }])
      const stream = worker.stream(() => [1])
      expect((await stream.next()).value).toBe(7)
      expect(await rejection(stream.next(), DecodeError)).toMatchObject({ worker: worker.path })
      expect(await stream.next()).toEqual({ done: true, value: undefined })
      expect(worker.state).not.toBe('dead')
      await worker.stop()
    },
  )

  test('items that belong to no stream are dropped, and too many of them end it', async () => {
    using recorded = recordEvents({ types: ['frame.dropped'] })
    await using few = await liar([{ ...item(0, [7], 3), id: 99 } as Action, { do: 'result', value: 'fine' }])
    expect(await few.call(() => 1)).toBe('fine')
    expect(recorded.events).toHaveLength(3)
    await using many = await liar([{ ...item(0, [7], 100), id: 99 } as Action])
    const error = await rejection(
      many.call(() => 1),
      WorkerDiedError,
    )
    expect(error.cause).toBeInstanceOf(ProtocolError)
  })

  test('items for a call, which is no stream, are no answer to it', async () => {
    using recorded = recordEvents({ types: ['frame.dropped'] })
    await using worker = await liar([item(0, [7]), { do: 'result', value: 'fine' }])
    expect(await worker.call(() => 1)).toBe('fine')
    expect(recorded.events).toHaveLength(1)
  })
})

describe('the end of the host', () => {
  const byItself = new Set(['exit at once', 'exit unheard'])

  async function hostWith(
    how: string,
    ending = 'SIGKILL',
  ): Promise<{ file: string; pid: number; kill: () => Promise<void> }> {
    const file = join(tmpdir(), `ended-${process.pid}-${how}-${ending}`)
    const program = join(import.meta.dirname, '../fixtures/worker/host-with-stream.mjs')
    const host = spawn(process.execPath, [program, file, how, ending], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { ...process.env, MALTSTER_TEST_KIND: kind },
    })
    const exited = once(host, 'close')
    const [line] = (await once(createInterface(host.stdout), 'line')) as [string]
    const pid = Number(line)
    expect(pid).toBeGreaterThan(1)
    onTestFinished(() => {
      if (processState(pid) === 'running') process.kill(pid, 'SIGKILL')
    })
    const kill = async (): Promise<void> => {
      if (ending === 'SIGKILL') host.kill('SIGKILL')
      else if (!byItself.has(ending)) host.stdin.write('end\n')
      await exited
    }
    return { file, pid, kill }
  }

  // The last: before the host has heard anything of the worker's second thread, which needs a launcher.
  const endings = [
    'SIGKILL',
    'exit',
    'exit at once',
    'uncaught',
    ...(kind === 'command' ? ['exit unheard'] : []),
  ]

  test.each(endings)('a generator ends itself when its host ends by %s', async (ending) => {
    const { file, pid, kill } = await hostWith('in order', ending)
    await kill()
    await waitUntilGone(pid, 1000)
    expect(readFileSync(file, 'utf8')).toBe('begins to end\nhas ended\n')
  })

  const stubborn = ['spinning', 'never'].flatMap((how) => endings.map((ending) => [how, ending] as const))

  test.each(stubborn)('one that does not end (%s) does not keep the worker after %s', async (how, ending) => {
    const { file, pid, kill } = await hostWith(how, ending)
    await kill()
    await waitUntilGone(pid, 1000)
    expect(existsSync(file)).toBe(false)
  })
})
