import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { shutdownOnSignals } from 'maltster'
import { describe, expect, onTestFinished, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { processState, waitUntilGone } from '../support/processes.ts'
import { until } from './workers.ts'

useLeakCheck()

const program = fileURLToPath(new URL('../fixtures/supervision/host.mjs', import.meta.url))

const waiting = fileURLToPath(new URL('../fixtures/supervision/held.mjs', import.meta.url))

/** Runs a host that waits for a start and does nothing else; exit code, signal and what it has said. */
async function heldBy(start: string): Promise<unknown[]> {
  const host = spawn(process.execPath, [waiting, start], { stdio: ['ignore', 'pipe', 'inherit'] })
  const said: string[] = []
  createInterface(host.stdout).on('line', (line) => said.push(line))
  const ended = (await once(host, 'close')) as [number | null, NodeJS.Signals | null]
  return [...ended, ...said]
}

type Told = [what: string, ...more: unknown[]]

interface Host {
  readonly process: ChildProcess
  readonly told: Told[]
  readonly stderr: string[]
  /** Exit code and signal. */
  readonly ended: Promise<[number | null, NodeJS.Signals | null]>
  readonly pids: readonly number[]
}

/** Starts the host, and waits until it has its workers. */
async function startHost(ending: string): Promise<Host> {
  const host = spawn(process.execPath, [program, ending], { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(host, 'close') as Host['ended']
  const told: Told[] = []
  const stderr: string[] = []
  createInterface(host.stdout).on('line', (line) => told.push(JSON.parse(line) as Told))
  createInterface(host.stderr).on('line', (line) => stderr.push(line))
  const isOver = (): boolean => host.exitCode !== null || host.signalCode !== null
  await until('it is ready', () => isOver() || told.some(([what]) => what === 'ready'))
  const pids = (told.find(([what]) => what === 'pids')?.[1] ?? []) as number[]
  expect({ count: pids.length, stderr }).toEqual({ count: 5, stderr: [] })
  onTestFinished(() => {
    for (const pid of pids) if (processState(pid) === 'running') process.kill(pid, 'SIGKILL')
  })
  return { process: host, told, stderr, ended, pids }
}

const exitsOf = ({ told }: Host): unknown[] =>
  told.filter(([what]) => what === 'exited').map(([, path]) => path)

async function expectNothingLeft({ pids }: Host): Promise<void> {
  await Promise.all(pids.map((pid) => waitUntilGone(pid)))
}

describe('a host that opted in', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    'stops its tree in order by %s, then ends by it',
    async (signal) => {
      const host = await startHost('signal')
      host.process.kill(signal)
      expect(await host.ended).toEqual([null, signal])
      await expectNothingLeft(host)
      expect(host.told).toContainEqual(['before', signal])
      // The call that was under way has been waited for.
      expect(host.told).toContainEqual(['settled'])
      const exits = exitsOf(host)
      expect(exits).toHaveLength(5)
      const inApp = exits.filter((path) => String(path).startsWith('app/'))
      expect(inApp).toEqual(['app/jobs/worker-1', 'app/second', 'app/first'])
    },
  )

  test('ends in its time, though a worker does not', async () => {
    const host = await startHost('too late')
    host.process.kill('SIGTERM')
    expect(await host.ended).toEqual([null, 'SIGTERM'])
    await expectNothingLeft(host)
    expect(exitsOf(host)).not.toContain('app/second')
  })

  test('ends at once by a second signal', async () => {
    const host = await startHost('twice')
    host.process.kill('SIGTERM')
    await until('it has heard', () => host.told.some(([what]) => what === 'before'))
    expect(host.process.exitCode ?? host.process.signalCode).toBe(null)
    host.process.kill('SIGINT')
    expect(await host.ended).toEqual([null, 'SIGINT'])
    await expectNothingLeft(host)
  })

  test('stops its tree also if what was to be done before throws', async () => {
    const host = await startHost('before throws')
    host.process.kill('SIGTERM')
    expect(await host.ended).toEqual([null, 'SIGTERM'])
    expect(exitsOf(host)).toHaveLength(5)
    expect(host.stderr.join('\n')).toContain('before failed')
  })

  test('ends as ever once that is disposed of', async () => {
    const host = await startHost('no signal')
    host.process.kill('SIGTERM')
    expect(await host.ended).toEqual([null, 'SIGTERM'])
    expect(exitsOf(host)).toEqual([])
    await expectNothingLeft(host)
  })

  test('names a wrong option', () => {
    expect(() => shutdownOnSignals({ signal: 'SIGTERM' } as never)).toThrow(/`signals`\?/)
    for (const signals of [[], ['SIGFOO'], ['SIGKILL'], ['SIGSTOP'], ['SIGTERM', undefined]]) {
      expect(() => shutdownOnSignals({ signals } as never)).toThrow(TypeError)
    }
    expect(() => shutdownOnSignals({ timeoutMs: -1 })).toThrow(RangeError)
  })
})

describe('a host that just ends', () => {
  test.each(['end of main', 'exit', 'backing off'])(
    'by %s leaves nothing, and nothing holds it',
    async (ending) => {
      const host = await startHost(ending)
      expect(await host.ended).toEqual([0, null])
      await expectNothingLeft(host)
    },
  )

  test('is held by a call that waits, until that has settled', async () => {
    const host = await startHost('waits')
    expect(await host.ended).toEqual([0, null])
    expect(host.told.at(-1)).toEqual(['rejected', 'ERR_MALTSTER_CALL_TIMEOUT'])
    await expectNothingLeft(host)
  })

  test('by kill -9 leaves nothing', async () => {
    const host = await startHost('no signal')
    host.process.kill('SIGKILL')
    expect(await host.ended).toEqual([null, 'SIGKILL'])
    await expectNothingLeft(host)
  })

  test('after its root was stopped has nothing left to do', async () => {
    const host = await startHost('root stops')
    expect(await host.ended).toEqual([0, null])
    expect(host.told).toContainEqual(['stopped', 'shutdown'])
    expect(exitsOf(host)).toHaveLength(5)
    await expectNothingLeft(host)
  })
})

describe('a host that waits for a start', () => {
  test.each(['init throws', 'init exits', 'init of a pool', 'init of a later child'])(
    'by %s gets its error',
    async (start) => {
      expect(await heldBy(start)).toEqual([0, null, '{"name":"SpawnError"}'])
    },
  )

  test.each(['start behind a back-off', 'restart behind a back-off'])(
    'by a %s sees it done',
    async (start) => {
      expect(await heldBy(start)).toEqual([0, null, '{"value":"up"}'])
    },
  )
})
