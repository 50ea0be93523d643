import { randomUUID } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  AuthenticationError,
  BootTimeoutError,
  liveWorkers,
  SpawnError,
  type Worker,
  WorkerDiedError,
} from 'maltster'
import { afterEach, expect, onTestFinished, test } from 'vitest'
import { boots, fakeWorker, type MeetingStep } from '../fixtures/worker/script.ts'
import { useLeakCheck } from '../support/leak-check.ts'
import { waitUntilGone } from '../support/processes.ts'
import {
  expectGone,
  expectUsable,
  kind,
  ofType,
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

/** Boots a worker after this has happened at the host's socket. */
function meets(meeting: readonly MeetingStep[]): Promise<Worker> {
  return startWorker(fakeWorker({ ...boots, meeting, called: [{ do: 'result', value: 42 }] }))
}

/** What the start of a worker that meets its host like this rejects with; nothing of it is left. */
async function expectRefusal<E>(
  meeting: readonly MeetingStep[],
  errorClass: abstract new (...args: never[]) => E,
  bootTimeoutMs = 20_000,
): Promise<{ error: E; refused: string[] }> {
  using recorded = recordEvents()
  const starting = startWorker({ ...fakeWorker({ ...boots, meeting }), bootTimeoutMs })
  const error = await rejection(starting, errorClass)
  const { events } = recorded
  expect(ofType(events, 'worker.ready')).toEqual([])
  expect(ofType(events, 'worker.exited')).toHaveLength(1)
  expect(ofType(events, 'call.started')).toEqual([])
  await expectGone(ofType(events, 'worker.spawned')[0]!.pid)
  expect(ownFiles()).toEqual([])
  return { error, refused: ofType(events, 'worker.strangerRefused').map(({ why }) => why) }
}

const ownFiles = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('maltster-'))

/** A worker is there after all, and works; why others were sent away. */
async function expectBoot(meeting: readonly MeetingStep[]): Promise<string[]> {
  using recorded = recordEvents({ types: ['worker.strangerRefused', 'worker.exited'] })
  await using worker = await meets(meeting)
  expect(await worker.call(() => 42)).toBe(42)
  expect(ownFiles()).toEqual([])
  expect(ofType(recorded.events, 'worker.exited')).toEqual([])
  return ofType(recorded.events, 'worker.strangerRefused').map(({ why }) => why)
}

const recordFile = (): string => join(tmpdir(), `recorded-${randomUUID()}`)
const right: MeetingStep = { come: 'right' }

test('F08, F09: a wrong secret is an AuthenticationError, which has nothing of a secret in it', async () => {
  const { error, refused } = await expectRefusal(
    [{ come: 'wrong secret' }, { come: 'exit', code: 1 }],
    AuthenticationError,
  )
  expect(error.message).toMatch(/wrong proof of the secret/)
  expect(error.message).toContain(kind)
  expect(refused).toEqual(['it gave a wrong proof'])
})

test('F08, F09: a wrong secret and then silence ends as AuthenticationError at the limit', async () => {
  await expectRefusal([{ come: 'wrong secret' }], AuthenticationError, 1500)
})

test('F08, F09: the proof of another worker is a wrong one', async () => {
  await expectRefusal([{ come: 'wrong identity' }, { come: 'exit' }], AuthenticationError)
})

test('F08, F09: who comes with a wrong secret does not keep the worker out', async () => {
  expect(await expectBoot([{ come: 'wrong secret' }, { come: 'wrong secret' }, right])).toEqual([
    'it gave a wrong proof',
    'it gave a wrong proof',
  ])
})

test('F10: a stranger who comes first and is silent is sent away in two seconds, and the worker boots', async () => {
  const refused = await expectBoot([{ come: 'silent' }, { come: 'all left' }, right])
  expect(refused).toEqual(['it gave no proof within 2000 ms'])
})

test('F10: strangers who are there when the worker comes do not hold it up', async () => {
  expect(await expectBoot([{ come: 'silent', times: 5 }, right])).toEqual([])
})

test('F10: a worker that never comes to the socket is killed when its time is over', async () => {
  const { error } = await expectRefusal([{ come: 'silent' }], BootTimeoutError, 800)
  expect(error.timeoutMs).toBe(800)
})

test('F04: a worker that exits on its way to the socket rejects once', async () => {
  const { error } = await expectRefusal([{ come: 'exit', code: 6 }], SpawnError)
  expect(error.reason).toMatchObject({ type: 'boot', exitCode: 6 })
})

test('F12: the replay of a recorded handshake is an AuthenticationError', async () => {
  const record = recordFile()
  await expectBoot([{ come: 'right', record }])
  const { refused } = await expectRefusal(
    [{ come: 'replay', replay: record }, { come: 'exit' }],
    AuthenticationError,
  )
  expect(refused).toEqual(['it gave a wrong proof'])
})

test('F12: a replay within the same boot is refused too, and the worker comes after it', async () => {
  const record = recordFile()
  await expectBoot([{ come: 'right', record }])
  expect(await expectBoot([{ come: 'replay', replay: record }, right])).toEqual(['it gave a wrong proof'])
})

test('scenario 67: junk, HTTP and frames in place of a handshake execute nothing, and the worker boots', async () => {
  using recorded = recordEvents({ types: ['call.started', 'frame.dropped'] })
  await using other = await quietWorker()
  const meeting: MeetingStep[] = [
    { come: 'junk', times: 3 },
    { come: 'http', times: 2 },
    { come: 'frame', times: 2 },
    { come: 'all left' },
    right,
  ]
  expect(new Set(await expectBoot(meeting))).toEqual(new Set(['it gave a wrong proof']))
  await expectUsable(other)
  expect(ofType(recorded.events, 'frame.dropped')).toEqual([])
  expect(ofType(recorded.events, 'call.started')).toHaveLength(2)
})

test('scenario 67: a worker whose handshake comes byte by byte boots, beside others that come like that', async () => {
  await expectBoot([
    { come: 'silent', times: 3 },
    { come: 'right', isSlow: true },
  ])
})

test('scenario 67: floods of silent and of talking strangers end, and the worker boots', async () => {
  const refused = await expectBoot([
    { come: 'silent', times: 100 },
    { come: 'junk', times: 100 },
    { come: 'http', times: 50 },
    right,
  ])
  expect(refused.length).toBeGreaterThan(8)
  expect(refused.length).toBeLessThanOrEqual(16)
})

test('scenario 67: a worker with a wrong secret leaves workers that are there alone', async () => {
  await using other = await quietWorker()
  await expectRefusal(
    [{ come: 'junk', times: 20 }, { come: 'wrong secret' }, { come: 'exit' }],
    AuthenticationError,
  )
  await expectUsable(other)
})

test('F06: kill -9 of a worker on its way to the socket leaves nothing', async () => {
  using recorded = recordEvents()
  const starting = startWorker({ ...fakeWorker({ meeting: [{ come: 'silent' }] }), bootTimeoutMs: 20_000 })
  starting.catch(() => {})
  await until('it is started', () => recorded.events.length > 0)
  const { pid } = ofType(recorded.events, 'worker.spawned')[0]!
  process.kill(pid, 'SIGKILL')
  await rejection(starting, SpawnError)
  expect(ownFiles()).toEqual([])
})

whereItCan('file')(
  'F20: a path that is too long for a socket is told before anything is started',
  async () => {
    using recorded = recordEvents()
    setVariable('TMPDIR', join(tmpdir(), 'x'.repeat(90)))
    mkdirSync(tmpdir())
    const error = await rejection(quietWorker(), SpawnError)
    expect(error.message).toMatch(/\b103\b.*TMPDIR/)
    expect(error.reason.cause).toBeInstanceOf(RangeError)
    expect(recorded.events.map(({ type }) => type)).toEqual(['supervisor.startError'])
    expect(readdirSync(tmpdir())).toEqual([])
  },
)

whereItCan('file')(
  'F21: a directory in which others could swap the socket is refused, by its name',
  async () => {
    using recorded = recordEvents()
    setVariable('TMPDIR', mkdtempSync(join(tmpdir(), 'open-')))
    chmodSync(tmpdir(), 0o777)
    const error = await rejection(quietWorker(), SpawnError)
    expect(error.message).toContain(tmpdir())
    expect(error.message).toMatch(/sticky|TMPDIR/)
    expect(recorded.events.map(({ type }) => type)).toEqual(['supervisor.startError'])
    expect(readdirSync(tmpdir())).toEqual([])
    chmodSync(tmpdir(), 0o1777)
    await using worker = await quietWorker()
    await expectUsable(worker)
  },
)

whereItCan('file')('F21: a runtime directory that is a link, or open to others, is not used', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'runtime-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const [real, link] = [join(folder, 'real'), join(folder, 'link')]
  mkdirSync(real, { mode: 0o700 })
  symlinkSync(real, link)
  for (const directory of [link, folder]) {
    chmodSync(folder, 0o755)
    setVariable('XDG_RUNTIME_DIR', directory)
    const starting = quietWorker()
    expect(ownFiles()).toHaveLength(1)
    expect(readdirSync(real)).toEqual([])
    await (await starting).stop()
  }
})

whereItCan('file')('F33: socket and directory are gone as soon as the two have met', async () => {
  const starting = quietWorker()
  const [name] = ownFiles()
  const path = join(tmpdir(), name!)
  expect(existsSync(path)).toBe(true)
  await using _worker = await starting
  expect(existsSync(path)).toBe(false)
})

function setVariable(name: string, value: string): void {
  const before = process.env[name]
  process.env[name] = value
  onTestFinished(() => {
    if (before === undefined) Reflect.deleteProperty(process.env, name)
    else process.env[name] = before
  })
}

test('F28: a socket that is closed without a goodbye is a death, and the process that lives on is killed', async () => {
  const worker = await startWorker(
    fakeWorker({ ...boots, called: [{ do: 'close', lane: 'data' }], stubborn: true }),
  )
  worker.cast(() => 1)
  expect(await worker.exited).toMatchObject({ type: 'transport', signal: 'SIGKILL' })
  await waitUntilGone(worker.pid)
})

whereItCan('reset')('F29: a connection that is reset is a death, and no error goes unheard', async () => {
  const worker = await startWorker(fakeWorker({ ...boots, called: [{ do: 'reset' }], stubborn: true }))
  const call = rejection(
    worker.call(() => 1),
    WorkerDiedError,
  )
  expect(await worker.exited).toMatchObject({ type: 'transport', signal: 'SIGKILL' })
  expect((await call).executed).toBe('unknown')
  await waitUntilGone(worker.pid)
})
