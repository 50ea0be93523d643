import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { descendants, processState, waitUntilGone } from '../support/processes.ts'
import { can, kind } from './workers.ts'

useLeakCheck()

const program = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/worker/${name}.mjs`, import.meta.url))

interface Host {
  readonly process: ChildProcess
  readonly exited: Promise<unknown[]>
  /** Four workers (idle, spinning, printing, with a child), that child, a worker that boots; and what is between. */
  readonly pids: readonly number[]
}

const hostEnvironment = { ...process.env, MALTSTER_TEST_KIND: kind }

async function startHost(ending: string): Promise<Host> {
  const host = spawn(process.execPath, [program('host-with-workers'), ending], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: hostEnvironment,
  })
  const exited = once(host, 'close')
  const [line] = (await once(createInterface(host.stdout), 'line')) as [string]
  const told = JSON.parse(line) as number[]
  expect(told).toHaveLength(6)
  // Behind a launcher the number of one that boots may not be known yet.
  expect(told.filter((pid) => pid > 1).length).toBeGreaterThanOrEqual(can('local') ? 6 : 5)
  const pids = [...new Set([...told.filter((pid) => pid > 1), ...below(host)])]
  // What outlives its host is nobody's child: the leak check would not see it.
  onTestFinished(() => pids.forEach(end))
  return { process: host, exited, pids }
}

/** All processes that it started, as long as it is there. */
function below({ pid }: ChildProcess): number[] {
  return descendants(pid!).map((info) => info.pid)
}

function end(pid: number): void {
  if (['running', 'stopped'].includes(processState(pid))) process.kill(pid, 'SIGKILL')
}

async function expectAllGone({ pids }: Host): Promise<void> {
  await Promise.all(pids.map((pid) => waitUntilGone(pid)))
}

/** A host that was killed can't remove the socket of a worker that booted: the next one does. */
async function expectSwept(): Promise<void> {
  if (kind === 'uds') await output('idle')
}

test.each(['exit', 'uncaught', 'rejection'])(
  'scenario 44, F33: a host that ends by %s takes all its workers with it',
  async (ending) => {
    const host = await startHost(ending)
    const [code] = await host.exited
    expect(code).toBe(ending === 'exit' ? 0 : 1)
    await expectAllGone(host)
  },
)

test.each(['SIGKILL', 'SIGTERM', 'SIGHUP', 'SIGABRT'] as const)(
  'F18, F31: a host that gets %s takes all its workers with it, booting, idle and busy',
  async (signal) => {
    const host = await startHost('wait')
    host.process.kill(signal)
    await host.exited
    await expectAllGone(host)
    await expectSwept()
  },
)

test('F31: a stopped worker dies with its host too', async () => {
  const host = await startHost('wait')
  process.kill(host.pids[0]!, 'SIGSTOP')
  host.process.kill('SIGKILL')
  await host.exited
  await expectAllGone(host)
  await expectSwept()
})

test('scenario 37: the interrupt key of a terminal, SIGINT to the host’s group, does not reach a worker', async () => {
  const source = `
    import { spawnWorker } from 'maltster'
    process.on('SIGINT', async () => {
      console.log(await worker.call(() => 'untouched'), worker.state)
      await worker.stop()
    })
    const worker = await spawnWorker()
    worker.ref()
    const group = await worker.call(async () => {
      const { readFileSync } = await import('node:fs')
      return Number(readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1).split(' ')[2])
    })
    console.log(group === worker.pid)
  `
  // A leader of its own group, as a shell would make it.
  const host = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  const exited = once(host, 'close')
  const lines: string[] = []
  const reading = createInterface(host.stdout)
  reading.on('line', (line) => lines.push(line))
  await once(reading, 'line')
  process.kill(-host.pid!, 'SIGINT')
  await exited
  expect(lines).toEqual(['true', 'untouched running'].map((line, index) => (index === 1 ? lines[1] : line)))
  expect(lines[1]).toMatch(/^untouched /)
})

async function output(what: string): Promise<{ lines: string[]; code: unknown }> {
  const host = spawn(process.execPath, [program('host-that-ends'), what], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: hostEnvironment,
  })
  const lines: string[] = []
  createInterface(host.stdout).on('line', (line) => lines.push(line))
  const [code] = await once(host, 'close')
  return { lines, code }
}

test.each(['idle', 'used', 'observed', 'stats', 'timed out', 'interrupted'])(
  'F33: a host whose worker is idle (%s) ends by itself',
  async (what) => {
    expect(await output(what)).toEqual({ lines: ['end of main'], code: 0 })
  },
)

test('F33: a host stays for a call that is pending', async () => {
  expect(await output('pending')).toEqual({ lines: ['end of main', 'settled'], code: 0 })
})

test('F33: a host does not stay for a pending call of an unreferenced worker', async () => {
  const { lines, code } = await output('pending, unref')
  expect(lines).toEqual(['end of main'])
  expect([0, 13]).toContain(code)
})

test('F33: a host stays for an idle worker that is referenced, and no longer', async () => {
  expect(await output('idle, ref')).toEqual({ lines: ['end of main', 'still here'], code: 0 })
})

test('F33: a host stays until a stop that it asked for is over', async () => {
  expect(await output('stopping')).toEqual({ lines: ['end of main', 'shutdown'], code: 0 })
})
