import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BootTimeoutError, liveWorkers, ProtocolError, SpawnError } from 'maltster'
import { afterEach, expect, onTestFinished, test } from 'vitest'
import { Incarnation } from '../../dist/actors/incarnation.js'
import { resolveOptions } from '../../dist/actors/resolve-options.js'
import { systemSeams } from '../../dist/actors/seams.js'
import { base64, boots, fakeWorker, type Script } from '../fixtures/worker/script.ts'
import { useLeakCheck } from '../support/leak-check.ts'
import { waitUntilGone } from '../support/processes.ts'
import {
  expectGone,
  kind,
  ofType,
  optionsOfKind,
  quietWorker,
  recordEvents,
  rejection,
  startWorker,
  until,
  whereItCan,
} from './workers.ts'

useLeakCheck()

afterEach(() => {
  if (liveWorkers().length > 0) throw new Error(`still alive: ${liveWorkers().join(', ')}`)
})

/** The pid of the next process that is started. */
function nextPid(): Promise<number> {
  const recorded = recordEvents({ types: ['worker.spawned'] })
  onTestFinished(() => recorded[Symbol.dispose]())
  return until('a process is started', () => recorded.events.length > 0).then(
    () => ofType(recorded.events, 'worker.spawned')[0]!.pid,
  )
}

async function bootFailure<E>(script: Script, errorClass: abstract new (...args: never[]) => E): Promise<E> {
  using recorded = recordEvents()
  const starting = startWorker({ ...fakeWorker(script), bootTimeoutMs: 20_000 })
  // One that starts after all must not be in the way of the next test.
  void starting.then(
    (worker) => worker.kill(),
    () => {},
  )
  const error = await rejection(starting, errorClass)
  await until('the process is over', () => ofType(recorded.events, 'worker.exited').length > 0)
  expect(ofType(recorded.events, 'worker.exited')).toHaveLength(1)
  expect(ofType(recorded.events, 'worker.ready')).toHaveLength(0)
  await expectGone(ofType(recorded.events, 'worker.spawned')[0]!.pid)
  return error
}

whereItCan('local')('F01: a binary that does not exist is named, with its code', async () => {
  const error = await rejection(quietWorker({ execPath: '/no/such/node' }), SpawnError)
  expect(error.message).toContain('/no/such/node')
  expect(error.reason.cause).toMatchObject({ code: 'ENOENT' })
  const notInPath = await rejection(quietWorker({ execPath: 'no-such-node' }), SpawnError)
  expect(notInPath.message).toContain('no-such-node')
})

whereItCan('local')('F01: a file that is not executable, and a directory, are named too', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'exec-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'node')
  writeFileSync(file, 'not a program')
  expect((await rejection(quietWorker({ execPath: file }), SpawnError)).message).toContain('EACCES')
  expect((await rejection(quietWorker({ execPath: folder }), SpawnError)).message).toContain(folder)
  chmodSync(file, 0o755)
  const broken = await rejection(quietWorker({ execPath: file }), SpawnError)
  expect(broken.reason.type).toBe('boot')
})

whereItCan('local')('F02: a bad working directory is blamed, not the binary', async () => {
  const missing = await rejection(quietWorker({ cwd: '/no/such/folder' }), SpawnError)
  expect(missing.message).toMatch(/cwd.*ENOENT.*\/no\/such\/folder/)
  expect(missing.message).not.toContain(process.execPath)
  const file = await rejection(quietWorker({ cwd: process.execPath }), SpawnError)
  expect(file.message).toMatch(/cwd.*not a directory/)
})

test('F03: a bad flag is told by the words on stderr', async () => {
  const error = await rejection(quietWorker({ execArgv: ['--no-such-flag'] }), SpawnError)
  expect(error.reason.exitCode).toBe(9)
  expect(error.reason.stderrTail).toContain('--no-such-flag')
})

test('F03: a script that does not exist is told by the words on stderr', async () => {
  const error = await rejection(quietWorker({ runtimeEntry: '/no/such/main.cjs' }), SpawnError)
  expect(error.reason.stderrTail).toContain('/no/such/main.cjs')
})

test('F04: an exit before hello rejects once, with what was said', async () => {
  const error = await bootFailure(
    {
      start: [
        { do: 'say', text: 'I would rather not\n' },
        { do: 'exit', code: 0 },
      ],
    },
    SpawnError,
  )
  expect(error.reason).toMatchObject({ type: 'boot', exitCode: 0 })
  expect(error.message).toContain('I would rather not')
})

test('F04: an exit between hello and ready rejects as well', async () => {
  const error = await bootFailure(
    { start: [{ do: 'hello' }], configured: [{ do: 'exit', code: 5 }] },
    SpawnError,
  )
  expect(error.reason).toMatchObject({ type: 'boot', exitCode: 5 })
})

test('F05: a child that never says hello is killed when its time is over', async () => {
  const pid = nextPid()
  const error = await rejection(startWorker({ ...fakeWorker({}), bootTimeoutMs: 300 }), BootTimeoutError)
  expect(error.timeoutMs).toBe(300)
  await expectGone(await pid)
})

test('F05: a child that says hello and no more is killed when its time is over', async () => {
  const pid = nextPid()
  const options = { ...fakeWorker({ start: [{ do: 'hello' }] }), bootTimeoutMs: 1000 }
  expect((await rejection(startWorker(options), BootTimeoutError)).timeoutMs).toBe(1000)
  await expectGone(await pid)
})

whereItCan('local')('F06: kill -9 while booting rejects with the signal', async () => {
  const pid = nextPid()
  const starting = startWorker({ ...fakeWorker({}), bootTimeoutMs: 20_000 })
  starting.catch(() => {})
  process.kill(await pid, 'SIGKILL')
  const error = await rejection(starting, SpawnError)
  expect(error.reason).toMatchObject({ type: 'boot', signal: 'SIGKILL' })
})

test.each([
  ['text', base64('hello there, this is no frame at all\n'.repeat(10))],
  ['zeros', base64(Buffer.alloc(4096))],
  ['ones', base64(Buffer.alloc(4096, 0xff))],
  [
    'a hello that is no JSON',
    base64(Buffer.concat([Buffer.from('0400000001000000', 'hex'), Buffer.alloc(8), Buffer.from('{{{{0000')])),
  ],
])('F13: %s in place of hello is a ProtocolError, and the process is killed', async (_what, bytes) => {
  expect(await bootFailure({ start: [{ do: 'raw', bytes }] }, ProtocolError)).toBeDefined()
})

test('F13: garbage on the control lane is a ProtocolError too', async () => {
  const bytes = base64(Buffer.alloc(4096, 0xff))
  expect(
    await bootFailure({ start: [{ do: 'hello' }, { do: 'raw', lane: 'control', bytes }] }, ProtocolError),
  ).toBeDefined()
})

test('F13: an answer to a call before ready is a ProtocolError', async () => {
  expect(
    await bootFailure({ start: [{ do: 'hello' }, { do: 'result', id: 1 }] }, ProtocolError),
  ).toBeDefined()
})

test('F13: a wrong ready token, and a second ready, are ProtocolErrors', async () => {
  await bootFailure(
    { start: [{ do: 'hello' }], configured: [{ do: 'ready', token: 'guess' }] },
    ProtocolError,
  )
  const worker = await startWorker(fakeWorker({ ...boots, called: [{ do: 'ready' }] }))
  const call = worker.call(() => 1)
  await expect(call).rejects.toMatchObject({ reason: { type: 'transport' } })
  expect((await worker.exited).cause).toBeInstanceOf(ProtocolError)
})

test('F14: another version of the protocol is refused, and both are named', async () => {
  const error = await bootFailure({ start: [{ do: 'hello', version: 977 }] }, ProtocolError)
  expect(error.message).toMatch(/version 5\b.*version 977/)
})

test('F13: ready without hello is a ProtocolError', async () => {
  expect(await bootFailure({ configured: [{ do: 'ready' }] }, ProtocolError)).toBeDefined()
})

/** The life of a worker that has not said hello yet, before there is a handle of it. */
function bootingLife(): Incarnation {
  const options = resolveOptions({ ...optionsOfKind(), ...fakeWorker({}), bootTimeoutMs: 20_000 }, 'boots')
  return new Incarnation(options, { name: 'boots', path: 'boots', incarnation: 1 }, systemSeams)
}

test('F15: a stop while it boots resolves with the end of the process, and it is never ready', async () => {
  const life = bootingLife()
  expect(life.state).toBe('booting')
  const ready = rejection(life.ready, Error)
  const delays = { drainMs: 50, exitMs: 50, termMs: 2000 }
  const [reason, again] = await Promise.all([life.stop(delays), life.stop(delays)])
  expect(reason.type).toBe('shutdown')
  expect(again).toBe(reason)
  expect((await ready).name).toBe('WorkerStoppedError')
  expect(life.state).toBe('dead')
  await expectGone(life.process.pid ?? 0)
})

test('F16: an interrupt while it boots finds nothing to do, and comes to an end', async () => {
  const life = bootingLife()
  life.ready.catch(() => {})
  expect(await life.interrupt()).toEqual({ outcome: 'idle', afterMs: 0 })
  life.kill('SIGKILL')
  expect((await life.exited).type).toBe('killed')
})

whereItCan('local')(
  'F17: a child that is stopped while it boots is killed when its time is over',
  async () => {
    const starts = nextPid()
    const starting = startWorker({ ...fakeWorker({}), bootTimeoutMs: 1000 })
    starting.catch(() => {})
    const pid = await starts
    process.kill(pid, 'SIGSTOP')
    expect((await rejection(starting, BootTimeoutError)).reason.signal).toBe('SIGKILL')
    await waitUntilGone(pid)
  },
)

whereItCan('local')(
  'F19: with no descriptor left the start is refused, and works again when there are some',
  () => {
    const host = fileURLToPath(new URL('../fixtures/worker/host-without-descriptors.mjs', import.meta.url))
    const command = ['-c', 'ulimit -n 128; exec "$0" "$1"', process.execPath, host]
    const env = { ...process.env, MALTSTER_TEST_KIND: kind }
    const { stdout, stderr, status } = spawnSync('/bin/bash', command, { encoding: 'utf8', env })
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual({ refused: 'SpawnError', code: 'EMFILE', thenSum: 42 })
    expect(status).toBe(0)
  },
)
