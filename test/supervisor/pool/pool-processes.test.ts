import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { liveWorkers, observe, RestartLimitError, root, supervise } from 'maltster'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { useLeakCheck } from '../../support/leak-check.ts'
import { upTo } from '../../support/numbers.ts'
import { pidsOf, quietPool, waitUntil, whenFull } from '../../support/test-pool.ts'

useLeakCheck()

const tasks = (name: string): { module: URL; export: string } => ({
  module: new URL('../../fixtures/worker/tasks.mjs', import.meta.url),
  export: name,
})

const ownPid = (): number => process.pid
const dieNow = (): boolean => process.kill(process.pid, 'SIGKILL')

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pool-test-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('a pool of processes', () => {
  it('has its members below it in the tree, and runs calls in all of them', async () => {
    await using workers = await quietPool({ name: 'jobs' })
    expect(workers.path).toBe('jobs')
    expect([...workers].map(({ path }) => path)).toEqual(['jobs/worker-1', 'jobs/worker-2'])
    // One member may do all that is quick: each waits here until the other one has been seen as well.
    const meet = async (path: string): Promise<number> => {
      const { readdirSync, writeFileSync: write } = await import('node:fs')
      write(`${path}/${process.pid}`, '')
      const endsAt = performance.now() + 10_000
      while (readdirSync(path).length < 2 && performance.now() < endsAt) await new Promise(setImmediate)
      return process.pid
    }
    const pids = new Set(await workers.map([folder, folder], meet))
    expect(pids).toEqual(new Set(pidsOf(workers)))
    const [place] = root().tree().children
    expect(place).toMatchObject({ id: 'jobs', kind: 'pool', state: 'up', pool: { size: 2, restarts: 0 } })
    const byPath = new Map(workers.stats().members.map(({ path, pid }) => [path, pid]))
    expect(place?.children).toMatchObject([
      { path: 'jobs/worker-1', pid: byPath.get('jobs/worker-1') },
      { path: 'jobs/worker-2', pid: byPath.get('jobs/worker-2') },
    ])
    expect(String(workers)).toBe('Pool jobs (up, size 2, 0 running, 0 waiting)')
    await expect(quietPool({ name: 'jobs' })).rejects.toMatchObject({ name: 'SpecError', fault: 'taken' })
  })

  it('stops in order: what was made finishes, what comes is refused, its name is free', async () => {
    const workers = await quietPool({ name: 'jobs', size: 1 })
    const slow = (n: number): Promise<number> => new Promise((resolve) => setTimeout(resolve, 50, n))
    const calls = [workers.call(slow, [1]), workers.call(slow, [2])]
    const stopped = workers.stop({ drainMs: Infinity })
    await expect(workers.call(ownPid)).rejects.toMatchObject({ name: 'WorkerStoppedError', executed: 'no' })
    await stopped
    expect(await Promise.all(calls)).toEqual([1, 2])
    expect((await workers.exited).type).toBe('shutdown')
    expect(liveWorkers()).toEqual([])
    await using again = await quietPool({ name: 'jobs', size: 1 })
    expect(await again.call(() => 'here')).toBe('here')
  })

  it('stops though a member spins for ever; its call rejects', async () => {
    const workers = await quietPool({ size: 1 })
    const spinning = workers.call(() => {
      while (true);
    })
    const waiting = workers.call(ownPid)
    const settled = Promise.allSettled([spinning, waiting])
    await workers.stop({ drainMs: 10 })
    expect(await settled).toMatchObject([
      { reason: { name: 'WorkerStoppedError', executed: 'unknown' } },
      { reason: { name: 'WorkerStoppedError', executed: 'no' } },
    ])
  })

  it('cuts off a call by its time or its signal, and keeps the process', async () => {
    await using workers = await quietPool({ size: 1 })
    const before = await workers.call(ownPid)
    const spin = (): void => {
      while (true);
    }
    await expect(workers.call(spin, [], { timeoutMs: 50 })).rejects.toMatchObject({
      name: 'CallTimeoutError',
    })
    const controller = new AbortController()
    const cut = workers.map([1, 2, 3], spin, { signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(cut).rejects.toThrow('enough')
    expect(await workers.call(ownPid)).toBe(before)
    expect(workers.stats().restarts).toBe(0)
  })

  it('sends all calls of a key to one process', async () => {
    await using workers = await quietPool({ size: 3 })
    const ids = upTo(5)
    const first = await Promise.all(ids.map((id) => workers.call(ownPid, [], { key: id })))
    const second = await workers.map(ids, () => process.pid, { key: (id) => id })
    expect(second).toEqual(first)
  })

  it('tells of wrong options before anything is started', async () => {
    const wrong: readonly [object, new (message: string) => Error, string][] = [
      [{ size: -1 }, RangeError, '`size`'],
      [{ spare: 1 }, TypeError, 'Did you mean `spares`?'],
      [{ maxRssMb: 100 }, TypeError, 'Write `worker: { maxRssMb: … }`'],
      [{ worker: { name: 'x' } }, TypeError, 'without `name`'],
      [{ worker: { cwdd: '/' } }, TypeError, 'Did you mean `cwd`?'],
      [{ recycle: { afterCalls: 0 } }, RangeError, '`afterCalls`'],
      [{ maxRestarts: -1 }, Error, '`maxRestarts`'],
      [{ name: 'a/b' }, TypeError, 'without a slash'],
    ]
    for (const [options, kind, message] of wrong) {
      const refused = quietPool(options)
      await expect(refused).rejects.toThrow(kind)
      await expect(refused).rejects.toThrow(message)
    }
    expect(root().whichChildren()).toEqual([])
    await using workers = await quietPool({ size: 1 })
    await expect(workers.call(ownPid, [], { priorty: 1 } as object)).rejects.toThrow(
      'Did you mean `priority`?',
    )
    await expect(workers.map(3 as never, ownPid)).rejects.toThrow('iterate over')
    expect(() => workers.mapStream([1], ownPid, { batchSize: 0 })).toThrow(RangeError)
    await expect(workers.map(undefined as never, ownPid)).rejects.toThrow('Expected `items` of a map')
    await expect(workers.resize(1.5)).rejects.toThrow(RangeError)
    await expect(workers.resize(undefined as never)).rejects.toThrow('Expected `size` of a pool')
    await expect(workers.broadcast(ownPid, [], { future: 'yes' as never })).rejects.toThrow(
      'Expected `future` of a broadcast to be `true` or `false`',
    )
    await expect(workers.broadcast(ownPid, [], null as never)).rejects.toThrow(
      'Expected the options of a broadcast to be an object',
    )
    await expect(workers.call(ownPid, [], { retry: {} as never })).rejects.toThrow('`retry` lacks `times`')
  })
})

describe('deaths', () => {
  it('cost only the calls that were held, and the pool is full again', async () => {
    await using workers = await quietPool({ size: 2 })
    const started = pidsOf(workers)
    // One of them says where it is, and ends with its worker only.
    const slow = async (path: string, isLast: boolean): Promise<void> => {
      const { renameSync, writeFileSync: write } = await import('node:fs')
      write(`${path}-`, String(process.pid))
      renameSync(`${path}-`, path)
      await new Promise((resolve) => setTimeout(resolve, isLast ? 60_000 : 10))
    }
    const calls = upTo(30).map((n) => workers.call(slow, [join(folder, `${n}`), n === 9]))
    await waitUntil(() => existsSync(join(folder, '9')))
    process.kill(Number(readFileSync(join(folder, '9'))), 'SIGKILL')
    const settled = await Promise.allSettled(calls)
    const lost = settled.filter(({ status }) => status === 'rejected')
    expect(lost).toHaveLength(1)
    expect(lost[0]).toMatchObject({ reason: { name: 'WorkerDiedError', executed: 'unknown' } })
    await whenFull(workers)
    const { members, restarts } = workers.stats()
    expect(restarts).toBe(1)
    expect(members.map(({ incarnation }) => incarnation).toSorted((a, b) => a - b)).toEqual([1, 2])
    expect(members.filter(({ pid }) => started.includes(pid))).toHaveLength(1)
  })

  it('never run a task again that has killed its worker, unless `retry` says so', async () => {
    const log = join(folder, 'runs')
    const crash = async (path: string): Promise<void> => {
      const { appendFileSync } = await import('node:fs')
      appendFileSync(path, 'x')
      process.kill(process.pid, 'SIGKILL')
    }
    await using workers = await quietPool({ size: 2 })
    await expect(workers.call(crash, [log])).rejects.toMatchObject({ executed: 'unknown' })
    await whenFull(workers)
    await workers.map(upTo(10), () => 0)
    expect(readFileSync(log, 'utf8')).toBe('x')
    await expect(workers.call(crash, [log], { retry: { times: 2, delayMs: 1 } })).rejects.toThrow('died')
    expect(readFileSync(log, 'utf8')).toBe('xxxx')
  })

  it('have a booted spare take over, and another one boot', async () => {
    await using workers = await quietPool({ size: 1, spares: 1 })
    const spare = workers.stats().members.find(({ role }) => role === 'spare')
    await expect(workers.call(dieNow)).rejects.toThrow('died')
    expect(await workers.call(ownPid)).toBe(spare?.pid)
    await whenFull(workers, 1)
    expect(workers.stats()).toMatchObject({ size: 1, spares: 1, restarts: 1 })
  })

  it('of all members at once: calls wait, and the pool is full again', async () => {
    await using workers = await quietPool({ size: 3 })
    for (const pid of pidsOf(workers)) process.kill(pid, 'SIGKILL')
    const calls = upTo(9).map((n) => workers.call((own: number) => own * 2, [n], { retry: { times: 3 } }))
    expect(await Promise.all(calls)).toEqual(upTo(9).map((n) => n * 2))
    await whenFull(workers)
    expect(workers.stats().restarts).toBe(3)
  })

  it('too many of them: what waits rejects, with the whole story, and so does what comes', async () => {
    const workers = await quietPool({ size: 1, maxRestarts: 1 })
    const crashes = upTo(2).map(() => workers.call(dieNow))
    const waiting = workers.call(ownPid)
    const settled = await Promise.allSettled([...crashes, waiting])
    expect(settled[2]).toMatchObject({ reason: { name: 'WorkerUnavailableError', executed: 'no' } })
    const { cause } = (settled[2] as PromiseRejectedResult).reason as { cause: unknown }
    expect(cause).toBeInstanceOf(RestartLimitError)
    expect(cause).toMatchObject({ maxRestarts: 1, leaf: { reason: { signal: 'SIGKILL' } } })
    expect((await workers.exited).type).toBe('escalated')
    await expect(workers.call(ownPid)).rejects.toMatchObject({ cause })
    await expect(workers.map([1], ownPid)).rejects.toMatchObject({ cause })
    await workers.stop()
    expect(root().whichChildren()).toEqual([])
  })

  it('too many of them below a supervisor: it starts the pool again, and `exited` waits for its end', async () => {
    const jobs = { id: 'jobs', pool: { size: 1, maxRestarts: 0, worker: { stderr: 'ignore' } } } as const
    const app = await supervise({ name: 'app', children: [jobs] })
    const workers = app.pool('jobs')
    const exits: string[] = []
    const { exited } = workers
    const noted = exited.then(({ type }) => exits.push(type))
    await expect(workers.call(dieNow)).rejects.toThrow('died')
    await waitUntil(() => workers.stats().state !== 'up')
    await waitUntil(() => workers.stats().state === 'up')
    expect(await workers.call(() => 'works again')).toBe('works again')
    expect(exits).toEqual([])
    expect(workers.exited).toBe(exited)
    await app.stop()
    await noted
    expect(exits).toEqual(['shutdown'])
  })

  it('of all, and no start that succeeds: what waits rejects with the reason of the last', async () => {
    const flag = join(folder, 'flag')
    const preload = [
      { source: `if (require('node:fs').existsSync(${JSON.stringify(flag)})) throw new Error('no licence')` },
    ]
    const workers = await quietPool({ size: 1, backoff: { minMs: 10, jitter: 0 }, worker: { preload } })
    writeFileSync(flag, '')
    const crash = workers.call(dieNow)
    const waiting = workers.call(ownPid)
    await expect(crash).rejects.toThrow('died')
    await expect(waiting).rejects.toThrow(/given up.*no licence/s)
    expect(await workers.exited).toMatchObject({ type: 'escalated', cause: { name: 'SpawnError' } })
    await workers.stop()
    expect(root().whichChildren()).toEqual([])
  })

  it('on purpose of single members: another takes the place', async () => {
    await using workers = await quietPool({ size: 1 })
    const pids = [await workers.call(ownPid)]
    const [handle] = workers
    await handle!.stop()
    pids.push(await workers.call(ownPid))
    await handle!.current!.stop()
    pids.push(await workers.call(ownPid, [], { retry: { times: 1 } }))
    await workers.call(() => process.exit(0)).catch(() => {})
    pids.push(await workers.call(ownPid))
    expect(new Set(pids).size).toBe(4)
    await whenFull(workers)
  })

  it('while it starts: nothing is left, and the error says why', async () => {
    const preload = [{ source: 'throw new Error("no licence")' }]
    await expect(quietPool({ name: 'jobs', size: 3, worker: { preload } })).rejects.toMatchObject({
      name: 'SpawnError',
      message: expect.stringMatching(/Pool jobs could not be started.*no licence/s) as string,
    })
    expect(root().whichChildren()).toEqual([])
  })
})

describe('members', () => {
  it('come and go with the size, down to none and back', async () => {
    await using workers = await quietPool({ size: 1, spares: 1 })
    await workers.resize(3)
    expect(new Set(await workers.map(upTo(12), () => process.pid, { key: (n) => n })).size).toBe(3)
    expect([...workers]).toHaveLength(4)
    await workers.resize(0)
    await expect(workers.call(ownPid)).rejects.toMatchObject({ name: 'WorkerUnavailableError' })
    expect(liveWorkers()).toHaveLength(1)
    await workers.resize(1)
    expect(await workers.call(ownPid)).toBeGreaterThan(0)
  })

  it('must not be left out by their `init`', async () => {
    const skipped = quietPool({ name: 'jobs', size: 1, init: () => 'skip' })
    await expect(skipped).rejects.toMatchObject({
      name: 'SpawnError',
      code: 'ERR_MALTSTER_SPAWN',
      message: expect.stringMatching(/Pool jobs .*`init` returned 'skip' in jobs\/worker-1/) as string,
      reason: { type: 'shutdown' },
    })
    expect(liveWorkers()).toEqual([])
  })

  it('are replaced if they were stopped through their handle while the pool still started', async () => {
    const flag = join(folder, 'flag')
    const init = async (): Promise<void> => {
      const { currentCall } = await import('maltster/worker')
      if (currentCall().worker.name === 'worker-1') return
      const { existsSync: isThere } = await import('node:fs')
      const endsAt = performance.now() + 10_000
      while (!isThere(flag) && performance.now() < endsAt) await new Promise(setImmediate)
    }
    const starting = quietPool({ name: 'jobs', init })
    const members = (): readonly unknown[] => root().tree().children[0]?.children ?? []
    await waitUntil(() => (members()[0] as { state?: string } | undefined)?.state === 'up')
    await root().worker('jobs/worker-1').stop()
    writeFileSync(flag, '')
    await using workers = await starting
    await whenFull(workers)
    expect(new Set(workers.stats().members.map(({ incarnation }) => incarnation))).toEqual(new Set([1, 2]))
  })

  it('are none if the pool is stopped while it grows, shrinks or replaces them', async () => {
    for (const change of [3, 1, undefined]) {
      const workers = await quietPool({ size: 2, spares: 1, recycle: { afterCalls: 1 } })
      const calls = change === undefined ? workers.map(upTo(4), (n) => n) : Promise.resolve()
      const resized = change === undefined ? Promise.resolve() : workers.resize(change)
      const settled = Promise.allSettled([resized, calls])
      await workers.stop({ drainMs: 0 })
      for (const one of await settled) {
        if (one.status === 'rejected') expect(one.reason).toMatchObject({ name: 'WorkerStoppedError' })
      }
      expect(liveWorkers()).toEqual([])
    }
  })

  it('are replaced after so many calls, which is no restart', async () => {
    await using workers = await quietPool({ size: 1, recycle: { afterCalls: 3 }, maxRestarts: 0 })
    const pids = await workers.map(upTo(9), () => process.pid)
    expect(new Set(pids).size).toBe(3)
    expect(upTo(9).map((n) => pids.indexOf(pids[n] as number))).toEqual([0, 0, 0, 3, 3, 3, 6, 6, 6])
    await whenFull(workers)
    expect(workers.stats()).toMatchObject({ recycled: 3, restarts: 0, state: 'up' })
  })

  it('are replaced when they hold too much memory', async () => {
    await using workers = await quietPool({ size: 1, recycle: { maxRssMb: 150 } })
    const before = await workers.call(ownPid)
    await workers.call(() => {
      Object.assign(globalThis, { kept: Buffer.alloc(200 * 2 ** 20, 1) })
    })
    await waitUntil(async () => (await workers.call(ownPid)) !== before)
    expect(workers.stats()).toMatchObject({ recycled: 1, restarts: 0 })
  })

  it('run what was broadcast, those to come as well, and `init` before it', async () => {
    await using workers = await quietPool({
      size: 2,
      init: () => {
        Object.assign(globalThis, { notes: ['init'] })
      },
    })
    const note = (text: string): number => (globalThis as unknown as { notes: string[] }).notes.push(text)
    const read = (): string[] => (globalThis as unknown as { notes: string[] }).notes
    expect(await workers.broadcast(note, ['a'])).toEqual([2, 2])
    await workers.broadcast(note, ['only now'], { future: false })
    process.kill(pidsOf(workers)[0]!, 'SIGKILL')
    await waitUntil(() => workers.stats().restarts === 1)
    await whenFull(workers)
    await workers.broadcast(note, ['b'])
    const all = await workers.broadcast(read, [], { future: false })
    expect(all.toSorted((one, other) => one.length - other.length)).toEqual([
      ['init', 'a', 'b'],
      ['init', 'a', 'only now', 'b'],
    ])
  })

  it('are ended if they can not run what the others could, which is an event', async () => {
    const flag = join(folder, 'flag')
    await using workers = await quietPool({ size: 1 })
    const events: unknown[] = []
    using _ = observe((event) => events.push(event), { types: ['pool.broadcastFailed'], path: workers.path })
    await workers.broadcast(
      async (path: string) => {
        const { existsSync: isThere } = await import('node:fs')
        if (isThere(path)) throw new Error('not any more')
      },
      [flag],
    )
    writeFileSync(flag, '')
    await expect(workers.call(dieNow)).rejects.toThrow('died')
    const waiting = workers.call(ownPid)
    await waitUntil(() => events.length > 0)
    rmSync(flag)
    expect(await waiting).toBeGreaterThan(0)
    const [handle] = workers
    expect(events[0]).toMatchObject({
      path: workers.path,
      member: handle?.path,
      error: { message: 'not any more' },
    })
  })

  it('make the pool give up, in which calls wait, if none of them can run it any more', async () => {
    const flag = join(folder, 'flag')
    await using workers = await quietPool({ size: 1, worker: { stderr: 'ignore' }, maxRestarts: 100 })
    const fragile = async (path: string): Promise<void> => {
      const { existsSync: isThere } = await import('node:fs')
      if (isThere(path)) throw new Error('not any more')
    }
    using _ = observe(() => {}, { types: ['pool.broadcastFailed'], path: workers.path })
    await workers.broadcast(fragile, [flag])
    writeFileSync(flag, '')
    await expect(workers.call(dieNow)).rejects.toMatchObject({ name: 'WorkerDiedError' })
    await expect(workers.call(ownPid)).rejects.toMatchObject({
      name: 'WorkerUnavailableError',
      cause: { message: 'not any more' },
    })
    expect(await workers.exited).toMatchObject({ type: 'escalated', cause: { message: 'not any more' } })
  })

  it('are waited for by a broadcast that finds nobody, and the first of them tells what it came to', async () => {
    await using workers = await quietPool({ size: 1 })
    process.kill(pidsOf(workers)[0]!, 'SIGKILL')
    await waitUntil(() => workers.stats().members.length === 0)
    const bad = (): never => {
      throw new Error('bad')
    }
    const good = (): number => Object.assign(globalThis, { kept: process.pid }).kept
    const settled = await Promise.allSettled([workers.broadcast(bad), workers.broadcast(good)])
    expect(settled).toMatchObject([
      { status: 'rejected', reason: { name: 'RemoteError', message: 'bad' } },
      { status: 'fulfilled', value: pidsOf(workers) },
    ])
    expect(await workers.call(() => (globalThis as { kept?: number }).kept)).toBe(pidsOf(workers)[0])
  })

  it('hold the host as long as a call waits, and no longer', async () => {
    const host = fileURLToPath(new URL('../../fixtures/worker/host-with-pool.mjs', import.meta.url))
    const { stdout } = await promisify(execFile)(process.execPath, [host], { timeout: 20_000 })
    expect(JSON.parse(stdout)).toEqual([
      ['WorkerDiedError', 42],
      ['WorkerDiedError', 42],
    ])
  })
})

describe('maps over processes', () => {
  it('give each failure of a batch its own error, as a call does', async () => {
    await using workers = await quietPool({ size: 2 })
    const failing = (n: number): number => {
      if (n % 4 === 1) throw Object.assign(new RangeError(`no ${n}`), { detail: { n } })
      return n * 10
    }
    const failures: [number, unknown][] = []
    const onError = (error: unknown, { index }: { index: number }): number => {
      failures.push([index, error])
      return -1
    }
    const all = await workers.map(upTo(10), failing, { batchSize: 4, onError })
    expect(all).toEqual([0, -1, 20, 30, 40, -1, 60, 70, 80, -1])
    failures.sort(([one], [other]) => one - other)
    expect(failures.map(([index]) => index)).toEqual([1, 5, 9])
    expect(failures[0]).toMatchObject([
      1,
      { name: 'RemoteError', remoteName: 'RangeError', message: 'no 1', detail: { n: 1 } },
    ])
    expect((failures[0]![1] as Error).stack).toContain('failing')
  })

  it('take batches of exports, closures, and of functions with given captures', async () => {
    await using workers = await quietPool({ size: 2 })
    const options = { batchSize: 5 }
    const pairs = upTo(12).map((n): [number, number] => [n, 1])
    expect(await workers.map(upTo(12), tasks('add'), options)).toEqual(upTo(12).map((n) => n + n))
    const offset = 7
    expect(await workers.map(pairs, ([a, b]) => a + b + offset, options)).toEqual(upTo(12).map((n) => n + 8))
    const given = { ...options, capture: 'explicit', captures: { offset: 100 } } as const
    expect(await workers.map(upTo(3), (n) => n + offset, given)).toEqual([100, 101, 102])
    await using strict = await quietPool({ size: 1, worker: { capture: 'explicit' } })
    expect(await strict.map(upTo(3), (n) => n + 1, options)).toEqual([1, 2, 3])
    await expect(strict.map(upTo(3), (n) => n + offset, options)).rejects.toThrow(/offset/)
  })

  it('try items of a batch whose worker died one by one, and never those that ran without `retry`', async () => {
    const log = join(folder, 'runs')
    const work = async (n: number): Promise<number> => {
      const { appendFileSync } = await import('node:fs')
      appendFileSync(log, `${n} `)
      if (n === 5) process.kill(process.pid, 'SIGKILL')
      return n
    }
    await using workers = await quietPool({ size: 2 })
    const onError = (_: unknown, { workerDied, attempt }: { workerDied: boolean; attempt: number }): number =>
      workerDied ? -attempt : NaN
    const once = await workers.map(upTo(8), work, { batchSize: 4, onError })
    expect(once).toEqual([0, 1, 2, 3, -1, -1, -1, -1])
    expect(readFileSync(log, 'utf8').trim().split(' ').toSorted()).toEqual(['0', '1', '2', '3', '4', '5'])
    rmSync(log)
    const retried = await workers.map(upTo(8), work, { batchSize: 4, onError, retry: { times: 1 } })
    expect(retried).toEqual([0, 1, 2, 3, 4, -2, 6, 7])
  })

  it('name the item of a batch that can not be sent, and run the others', async () => {
    await using workers = await quietPool({ size: 1 })
    const items: unknown[] = [1, Promise.resolve(2), 3]
    const failures: unknown[] = []
    const onError = (error: unknown, { index }: { index: number }): string => {
      failures.push([index, (error as Error).name])
      return 'unsendable'
    }
    const all = await workers.map(items, (item) => item, { batchSize: 3, onError })
    expect(all).toEqual([1, 'unsendable', 3])
    expect(failures).toEqual([[1, 'EncodeError']])
  })

  it('stream results in order with deaths on the way, and leave nothing waiting', async () => {
    await using workers = await quietPool({ size: 3 })
    const flag = join(folder, 'flag')
    const work = async (n: number): Promise<number> => {
      const { existsSync: isThere, writeFileSync: write } = await import('node:fs')
      if (n % 10 === 5 && !isThere(`${flag}${n}`)) {
        write(`${flag}${n}`, '')
        process.kill(process.pid, 'SIGKILL')
      }
      return n
    }
    const got: number[] = []
    for await (const n of workers.mapStream(upTo(40), work, { retry: { times: 5 } })) got.push(n)
    expect(got).toEqual(upTo(40))
    expect(existsSync(`${flag}35`)).toBe(true)
    expect(workers.stats()).toMatchObject({ waiting: 0, running: 0 })
  })
})
