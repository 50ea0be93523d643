import { liveWorkers, pool, RestartLimitError, SpawnError, spawnWorker, supervise } from 'maltster'
import type { LaunchedProcess, Launcher } from 'maltster/transport'
import { describe, expect, onTestFinished, test } from 'vitest'
import { localLauncher } from '../../dist/transport/launchers/local.js'
import { useLeakCheck } from '../support/leak-check.ts'
import { waitUntilGone } from '../support/processes.ts'
import { quiet } from './supervision.ts'
import { ofType, recordEvents, rejection, until } from './workers.ts'

useLeakCheck()

type Launch = Launcher['launch']

const launcher = (launch: (...given: Parameters<Launch>) => unknown): Launcher => ({
  kind: 'broken',
  isLocal: false,
  launch: launch as Launch,
})

/** Starts a process, and gives it with something else in it. */
const changed =
  (change: object, pids: number[]): Launch =>
  (request) => {
    const launched = localLauncher.launch({ ...request, execPath: process.execPath })
    pids.push(launched.pid!)
    // Who is not given it can't close it.
    if ('control' in change) launched.control.destroy()
    return { ...launched, ...change }
  }

const pids: number[] = []
const failing = new Error('no room')

const faults: [what: string, launch: (...given: Parameters<Launch>) => unknown, says: RegExp][] = [
  [
    'throws an error',
    () => {
      throw failing
    },
    /its launcher failed: no room/,
  ],
  [
    'throws what is no error',
    () => {
      throw undefined
    },
    /its launcher threw `undefined`/,
  ],
  ['returns nothing', () => undefined, /`undefined` \(undefined\), which is no process/],
  ['returns an object without a prototype', () => Object.create(null), /`onExit` is no function/],
  ['promises a process', async () => ({}), /gave a promise.*at once/],
  ['promises one and fails', () => Promise.reject(failing), /gave a promise/],
  [
    'promises one, starts it and gives it too late',
    async (request) => changed({}, pids)(request),
    /a promise/,
  ],
  ['leaves out a lane', changed({ control: undefined }, pids), /`control\.start` is no function/],
  ['leaves out a stream', changed({ stderr: {} }, pids), /`stderr\.on` is no function/],
  ['gives a number that is none', changed({ pid: '7' }, pids), /its `pid` is `"7"`/],
  [
    'gives a process that can’t be listened to',
    changed(
      {
        onExit: () => {
          throw failing
        },
      } satisfies Partial<LaunchedProcess>,
      pids,
    ),
    /no room/,
  ],
]

/** Fails the test if anything is rejected and nobody hears of it. */
function expectAllHeard(): void {
  const unheard: unknown[] = []
  const note = (reason: unknown): void => void unheard.push(reason)
  process.on('unhandledRejection', note)
  onTestFinished(async () => {
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', note)
    expect(unheard).toEqual([])
  })
}

describe.each(faults)('a launcher that %s', (_, launch, says) => {
  test('is a SpawnError, and what it started is ended', async () => {
    expectAllHeard()
    const error = await rejection(spawnWorker({ ...quiet, launcher: launcher(launch) }), SpawnError)
    expect(error.message).toMatch(says)
    expect(error).toMatchObject({ code: 'ERR_MALTSTER_SPAWN', reason: { type: 'boot', exitCode: null } })
    expect(liveWorkers()).toEqual([])
    for (const pid of pids.splice(0)) await waitUntilGone(pid)
  })

  test('is a start that failed for a supervisor, with the usual budget', async () => {
    expectAllHeard()
    let isBroken = false
    const child = {
      id: 'kernel',
      worker: {
        ...quiet,
        launcher: launcher((request) =>
          isBroken ? launch(request) : localLauncher.launch({ ...request, execPath: process.execPath }),
        ),
      },
    }
    using recorded = recordEvents({ path: 'app' })
    const app = await supervise({
      name: 'app',
      maxRestarts: 2,
      periodMs: 60_000,
      backoff: { minMs: 0 },
      children: [child],
    })
    isBroken = true
    app.worker('kernel').kill()
    const reason = await app.exited
    expect(reason.type).toBe('escalated')
    expect((reason.cause as RestartLimitError).leaf.path).toBe('app/kernel')
    const errors = ofType(recorded.events, 'supervisor.startError').map(({ error }) => error)
    expect(errors).toHaveLength(2)
    for (const error of errors) {
      expect(error).toBeInstanceOf(SpawnError)
      expect(error.message).toMatch(says)
    }
    for (const pid of pids.splice(0)) await waitUntilGone(pid)
  })
})

test('a launcher that fails only once costs one restart, and fails the start of a tree or a pool', async () => {
  expectAllHeard()
  let starts = 0
  const once = launcher((request) => {
    if (++starts === 2) throw failing
    return localLauncher.launch({ ...request, execPath: process.execPath })
  })
  await using app = await supervise({
    name: 'app',
    backoff: { minMs: 0 },
    children: [{ id: 'kernel', worker: { ...quiet, launcher: once } }],
  })
  app.worker('kernel').kill()
  expect(await app.worker('kernel').call(() => 6 * 7)).toBe(42)
  expect(app.tree().budget.used).toBe(2)
  expect(starts).toBe(3)
  const never = { ...quiet, launcher: launcher(() => Promise.reject(failing)) }
  const error = await rejection(supervise({ children: [{ id: 'kernel', worker: never }] }), Error)
  expect(error.cause).toBeInstanceOf(SpawnError)
  await rejection(pool({ size: 2, worker: never }), SpawnError)
  await until('nothing is left', () => liveWorkers().length === 1)
})
