import {
  InterruptedError,
  SpawnError,
  spawnWorker,
  type Worker,
  WorkerDiedError,
  type WorkerOptions,
} from 'maltster'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { command } from '../../src/transport/public.ts'
import {
  launcherWays,
  type LauncherWay,
  prepareLaunchers,
  removeLaunchers,
  theSshd,
} from '../support/launchers.ts'
import { useLeakCheck } from '../support/leak-check.ts'
import { sshObstacle } from '../support/local-sshd.ts'
import { descendants, waitUntilGone } from '../support/processes.ts'
import { expectUsable, rejection, until } from './workers.ts'

beforeAll(prepareLaunchers)
afterAll(removeLaunchers)

const through = (way: LauncherWay, options: WorkerOptions = {}): Promise<Worker> =>
  spawnWorker({
    stdout: 'ignore',
    stderr: 'ignore',
    launcher: command(way.prefix(), way.options),
    ...options,
  })

const spin = (): never => {
  process.getBuiltinModule('node:fs').writeSync(2, 'spins\n')
  while (true);
}

/** A worker of which is known when it spins. */
async function spinnerThrough(way: LauncherWay, options: WorkerOptions = {}) {
  let isSpinning = false
  const stderr = (line: string): void => {
    if (line === 'spins') isSpinning = true
  }
  const worker = await through(way, { stderr, ...options })
  return { worker, spins: () => until('it spins', () => isSpinning) }
}

/** A worker, and all processes that were started for it: parents first. */
async function startThrough(way: LauncherWay, options: WorkerOptions = {}) {
  const pids = (): number[] => descendants(process.pid).map(({ pid }) => pid)
  const before = pids()
  const worker = await through(way, options)
  return { worker, started: pids().filter((pid) => !before.includes(pid)) }
}

describe.each(launcherWays)('through $name', (way) => {
  const isThere = way.obstacle === undefined
  useLeakCheck()

  test.runIf(isThere)(
    'calls work, 20 MB go both ways, and the worker finds its own surroundings',
    async () => {
      await using worker = await through(way, { env: { SECRET: 'a secret' }, argv: ["it's", '$HOME; "'] })
      await expectUsable(worker)
      const bytes = new Uint8Array(20 * 2 ** 20).map((_, index) => index * 7)
      const back = await worker.call((given: Uint8Array) => given, [bytes])
      expect(Buffer.compare(Buffer.from(bytes), Buffer.from(back))).toBe(0)
      const found = await worker.call(() => [process.argv.slice(2), process.env['SECRET'], process.cwd()])
      expect(found).toEqual([["it's", '$HOME; "'], 'a secret', process.cwd()])
    },
  )

  test.runIf(isThere)('a busy loop is interrupted', async () => {
    const { worker, spins } = await spinnerThrough(way)
    await using _worker = worker
    const failed = rejection(worker.call(spin), InterruptedError)
    await spins()
    expect((await worker.interrupt()).outcome).toBe('interrupted')
    await failed
    await expectUsable(worker)
  })

  test.runIf(isThere)('what is printed gets into nothing', async () => {
    const lines: string[] = []
    await using worker = await through(way, { stdout: (line) => lines.push(line) })
    await worker.call(async () => {
      const { writeSync } = await import('node:fs')
      const garbage = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 31) % 256))
      const lookalike = '\n\0maltster relay 1\0\n'
      const piece = Buffer.from([4, 0, 0, 0, 2, 0, 0, 0, 0x7b, 0x7d])
      for (const stream of [process.stdout, process.stderr]) {
        stream.write(garbage)
        stream.write(lookalike)
        stream.write(piece)
      }
      writeSync(1, piece)
      process.stdout.write('\nthe last line\n')
    })
    await expectUsable(worker)
    await until('the last line has come', () => lines.includes('the last line'))
  })

  test.runIf(isThere)('an exit is seen with its code', async () => {
    const worker = await through(way)
    const failed = rejection(
      worker.call(() => process.exit(37)),
      WorkerDiedError,
    )
    expect(await worker.exited).toMatchObject({ type: 'exit', exitCode: 37, signal: null })
    await failed
  })

  test.runIf(isThere)('what was printed before an exit is seen', async () => {
    const lines: string[] = []
    const worker = await through(way, { stdout: (line) => lines.push(line) })
    worker.cast(() => {
      process.stdout.write(`${'x'.repeat(40_000)}\nlast words\n`, () => process.exit(3))
    })
    expect(await worker.exited).toMatchObject({ exitCode: 3 })
    expect(lines.at(-1)).toBe('last words')
  })

  test.runIf(isThere)('a worker that was killed is seen as killed', async () => {
    const worker = await through(way)
    worker.cast(() => process.kill(process.pid, 'SIGKILL'))
    expect(await worker.exited).toMatchObject({ type: 'signal', exitCode: null, signal: 'SIGKILL' })
  })

  test.runIf(isThere)('stop() and kill() end it', async () => {
    const stopped = await through(way)
    expect(await stopped.stop()).toMatchObject({ type: 'shutdown' })
    const killed = await through(way)
    void killed.call(spin).catch(() => {})
    killed.kill()
    expect(await killed.exited).toMatchObject({ type: 'killed' })
  })

  test.runIf(isThere)('it can be suspended and resumed', async () => {
    await using worker = await through(way)
    worker.suspend()
    const call = worker.call(() => 'awake')
    worker.resume()
    expect(await call).toBe('awake')
  })

  test.runIf(isThere).each(['idle', 'busy'])(
    'a launcher that is killed is told as such, and its %s worker is gone',
    async (state) => {
      const { worker, started } = await startThrough(way)
      const failed = rejection(state === 'busy' ? worker.call(spin) : worker.exited.then(fail), Error)
      process.kill(started[0]!, 'SIGKILL')
      const reason = await worker.exited
      await failed
      // A launcher that has become the worker is the worker.
      if (started.length === 1) expect(reason).toMatchObject({ type: 'signal', signal: 'SIGKILL' })
      else {
        expect(reason).toMatchObject({ type: 'transport', exitCode: null, signal: null })
        const words = /the launcher \w+ was ended by SIGKILL before the worker's end was known/
        expect(String(reason.cause)).toMatch(words)
      }
      await Promise.all(started.map((pid) => waitUntilGone(pid)))
    },
  )
})

describe('what is between host and worker', () => {
  useLeakCheck()
  const way = launcherWays.find(({ name }) => name.startsWith('a shell that forks'))!

  test('a relay that is killed takes its worker with it, and the launcher says how it ended', async () => {
    const { worker, started } = await startThrough(way)
    void worker.call(spin).catch(() => {})
    process.kill(started[1]!, 'SIGKILL')
    const reason = await worker.exited
    expect(reason).toMatchObject({ type: 'transport', exitCode: 137, signal: null })
    expect(String(reason.cause)).toContain("the launcher sh exited with code 137 before the worker's end")
    await Promise.all(started.map((pid) => waitUntilGone(pid)))
  })

  test('a relay that is frozen is given up a second after a kill', async () => {
    const { worker, started } = await startThrough(way)
    process.kill(started[1]!, 'SIGSTOP')
    worker.kill()
    expect(await worker.exited).toMatchObject({ type: 'killed' })
    await Promise.all(started.map((pid) => waitUntilGone(pid)))
  })

  test('the environment of the worker is in no command line, nor in that of launcher and relay', async () => {
    const { worker, started } = await startThrough(way, { env: { SECRET: 'only for the worker' } })
    const seen = (pid: number, file: string): string => readFileSync(`/proc/${pid}/${file}`, 'utf8')
    for (const pid of started) expect(seen(pid, 'cmdline')).not.toContain('only for the worker')
    for (const pid of started.slice(0, 2)) expect(seen(pid, 'environ')).not.toContain('only for the worker')
    await expectUsable(worker)
    await worker.stop()
  })

  test('an interrupt gets through while both lanes of output and data are full', async () => {
    const { worker, spins } = await spinnerThrough(way, { stdout: 'pipe' })
    await using _worker = worker
    // As much as the relay takes for a reader that does not read; more would hold the worker up in its `write`.
    await worker.call(() => void process.stdout.write('x'.repeat(256 * 1024)))
    const failed = rejection(worker.call(spin), InterruptedError)
    await spins()
    const large = worker.call((bytes: Uint8Array) => bytes.length, [new Uint8Array(8 * 2 ** 20)])
    large.catch(() => {})
    expect((await worker.interrupt()).outcome).toBe('interrupted')
    await failed
    await Promise.allSettled([large])
    await expectUsable(worker)
  })
})

function fail(): never {
  throw new Error('it ended')
}

describe('launchers that fail', () => {
  useLeakCheck()

  test.each(['relay', 'inherit'] as const)(
    'a program that is not there is named, lanes: %s',
    async (lanes) => {
      const launcher = command(['no-such-launcher', '--flag'], { lanes })
      const error = await rejection(spawnWorker({ launcher }), SpawnError)
      expect(error.message).toMatch(/launcher.*no-such-launcher/)
    },
  )

  test('a program that ends at once is told with its code and its words', async () => {
    const launcher = command(['/bin/sh', '-c', 'echo no way >&2; exit 9'])
    const error = await rejection(spawnWorker({ launcher, stderr: 'ignore' }), SpawnError)
    expect(error.reason).toMatchObject({ type: 'boot', exitCode: 9 })
    expect(error.message).toContain('no way')
  })

  test('a program that only echoes is given nothing to echo', async () => {
    const launcher = command(['/bin/cat', '-'])
    const env = { SECRET: 'not for you' }
    const error = await rejection(spawnWorker({ launcher, env, stderr: 'ignore', bootTimeoutMs: 300 }), Error)
    expect(JSON.stringify([error.message, error])).not.toContain('not for you')
  })

  test('a banner before the relay is skipped, and shown', async () => {
    const lines: string[] = []
    const launcher = command(['/bin/sh', '-c', 'echo Welcome to this machine; exec "$@"', 'sh'])
    await using worker = await spawnWorker({ launcher, stderr: (line) => lines.push(line) })
    await expectUsable(worker)
    expect(lines).toContain('Welcome to this machine')
  })

  test('a program that never stops talking is no relay', async () => {
    const launcher = command(['/bin/sh', '-c', 'exec yes'])
    const error = await rejection(spawnWorker({ launcher, stderr: 'ignore' }), SpawnError)
    expect(error.message).toContain('y')
  })

  test('a missing directory on the other side is named', async () => {
    const launcher = command(['setpriv', '--no-new-privs'])
    const error = await rejection(spawnWorker({ launcher, cwd: '/no/such/folder' }), SpawnError)
    expect(error.message).toMatch(/cwd.*\/no\/such\/folder/)
  })

  test.runIf(sshObstacle === undefined)('ssh to where nobody listens says what ssh says', async () => {
    const launcher = command(theSshd().wrongPrefix)
    const error = await rejection(spawnWorker({ launcher, stderr: 'ignore' }), SpawnError)
    expect(error.reason).toMatchObject({ type: 'boot', exitCode: 255 })
    expect(error.message).toContain('Connection refused')
  })

  test('what is no launcher is refused', () => {
    expect(() => command([])).toThrow(/prefix.*\['ssh', 'host'\]/)
    expect(() => command('ssh host' as never)).toThrow(TypeError)
    expect(() => command(['x'], { lanes: 'tin cans' as never })).toThrow(/lanes.*"tin cans"/)
    expect(() => command(['x'], { shell: 1 as never })).toThrow(/shell/)
    expect(() => command(['x'], { envs: {} } as never)).toThrow(/envs/)
    expect(() => command(['x'], { env: { a: 1 } as never })).toThrow(/env/)
    expect(() => command(['/usr/bin/ssh', 'host'], { lanes: 'inherit' })).toThrow(/ssh passes no descriptors/)
  })
})
