import { fileURLToPath } from 'node:url'
import { BootTimeoutError, liveWorkers, type PreloadOption, RemoteError, SpawnError } from 'maltster'
import { afterEach, expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { quietWorker, recordEvents, rejection } from './workers.ts'

useLeakCheck()

afterEach(() => {
  if (liveWorkers().length > 0) throw new Error(`still alive: ${liveWorkers().join(', ')}`)
})

const first = new URL('../fixtures/preload/first.mjs', import.meta.url)
const setup = new URL('../fixtures/preload/setup.mjs', import.meta.url)
const throwing = new URL('../fixtures/preload/throwing.mjs', import.meta.url)

const takeSteps = (): unknown => (globalThis as { steps?: string[] }).steps

/** Why a worker with these steps does not start. */
function failure(...preload: PreloadOption[]): Promise<SpawnError> {
  return rejection(quietWorker({ preload }), SpawnError)
}

test('modules, functions, exports and source run in order, each awaited, before the worker is ready', async () => {
  await using worker = await quietWorker({
    preload: [
      first,
      async () => {
        await new Promise((resolve) => setTimeout(resolve, 20))
        ;(globalThis as unknown as { steps: string[] }).steps.push('function')
      },
      { module: setup, export: 'setup' },
      { source: `await new Promise((go) => setTimeout(go, 20)); const added = steps.push('source')` },
      fileURLToPath(first).replace('first', 'setup'),
      'node:fs',
      'acorn',
    ],
  })
  expect(await worker.call(takeSteps)).toEqual(['module', 'function', 'export', 'source'])
  expect(await worker.evaluate('added')).toBe(4)
})

test('each worker runs it for itself', async () => {
  const preload = [first]
  await using one = await quietWorker({ preload })
  await using other = await quietWorker({ preload })
  await one.call(() => (globalThis as unknown as { steps: string[] }).steps.push('mine'))
  expect(await other.call(takeSteps)).toEqual(['module'])
})

test('F07: a module that throws is told with step, message and its file and line', async () => {
  const error = await failure(first, throwing)
  expect(error.message).toContain(`its \`preload\` step ${throwing.href} threw: refused`)
  expect(error.cause).toBeInstanceOf(RemoteError)
  const { remoteStack } = error.cause as RemoteError
  expect(remoteStack).toContain(`${throwing.href}:2:9`)
  expect(remoteStack).not.toMatch(/main\.cjs/)
  expect(error.reason).toMatchObject({ type: 'boot', exitCode: 1 })
})

test('F07: an export that throws is told with step, class, properties and place', async () => {
  const error = await failure({ module: setup, export: 'failing' })
  expect(error.message).toContain(`step failing of ${setup.href} threw: no database`)
  expect(error.cause).toMatchObject({ remoteName: 'TypeError', properties: { port: 5432 } })
  expect((error.cause as RemoteError).remoteStack).toContain(`${setup.href}:7:`)
})

test('F07: a function that rejects is told by its name; steps behind it do not run', async () => {
  using recorded = recordEvents({ types: ['worker.ready'] })
  const connect = async (): Promise<void> => {
    await Promise.resolve()
    throw new RangeError('port')
  }
  const error = await failure(connect, { source: 'process.exit(99)' })
  expect(error.message).toContain('step connect threw: port')
  expect((error.cause as RemoteError).remoteStack).toMatch(/at connect \(.*preload\.test\.ts:\d+:\d+\)/)
  expect(error.reason.exitCode).toBe(1)
  expect(recorded.events).toEqual([])
})

test('F07: source that throws, or is none, is told with its place', async () => {
  const thrown = await failure({ source: '\nnull.x', filename: 'begin.js' })
  expect(thrown.message).toContain('step begin.js threw: Cannot read properties of null')
  expect((thrown.cause as RemoteError).remoteStack).toContain('begin.js:2:6')
  const wrong = await failure({ source: 'let a = ;' })
  expect(wrong.message).toContain('step preload[0] threw')
  expect(wrong.cause).toMatchObject({ remoteName: 'SyntaxError', properties: { line: 1, column: 9 } })
})

test('F07: a missing module, a missing export and one that is no function are told', async () => {
  const missing = await failure(new URL('missing.mjs', first))
  expect(missing.message).toMatch(/missing\.mjs threw: Cannot find module/)
  const unknown = await failure({ module: setup, export: 'nothing' })
  expect(unknown.message).toContain('has no export `nothing`')
  const constant = await failure({ module: setup, export: 'notAFunction' })
  expect(constant.message).toContain('is not a function')
})

test('a step may throw whatever it likes', async () => {
  expect((await failure({ source: 'throw null' })).message).toContain('threw')
  expect((await failure({ source: 'throw undefined' })).message).toContain('threw')
  const proxy = 'const gone = Proxy.revocable({}, {}); gone.revoke(); throw gone.proxy'
  expect((await failure({ source: proxy })).message).toContain('threw')
  const many = `throw Object.assign(new Error('x'.repeat(1e6)), { cause: new Error('deeper') })`
  expect((await failure({ source: many })).cause).toMatchObject({ remoteName: 'Error' })
})

test('a step that spins, or never settles, is a boot that takes too long', async () => {
  const preload = [{ source: 'console.error("spinning"); while (true) {}' }]
  const spinning = await rejection(quietWorker({ preload, bootTimeoutMs: 800 }), BootTimeoutError)
  expect(spinning.timeoutMs).toBe(800)
  expect(spinning.reason.signal).toBe('SIGKILL')
  const waiting = [() => new Promise(() => {})]
  await rejection(quietWorker({ preload: waiting, bootTimeoutMs: 800 }), BootTimeoutError)
})

test('a step that exits, kills or crashes its process is a SpawnError with code, signal and stderr', async () => {
  const exited = await failure({ source: 'console.error("no licence"); process.exit(5)' })
  expect(exited.reason).toMatchObject({ type: 'boot', exitCode: 5 })
  expect(exited.message).toContain('no licence')
  const killed = await failure({
    source: 'process.kill(process.pid, "SIGTERM"); await new Promise(() => {})',
  })
  expect(killed.reason).toMatchObject({ signal: 'SIGTERM' })
  const crashed = await failure({
    source: 'setTimeout(() => { throw new Error("later") }); await new Promise(() => {})',
  })
  expect(crashed.reason.lastFrames[0]).toContain('preload[0]:1:')
  expect(crashed.reason).toMatchObject({ exitCode: 1, cause: { message: 'later' } })
})

test('a step that leaves work behind does not hold up the boot', async () => {
  await using worker = await quietWorker({
    preload: [{ source: 'setInterval(() => { globalThis.beats = (globalThis.beats ?? 0) + 1 }, 1)' }],
  })
  await expect.poll(() => worker.evaluate<number>('globalThis.beats')).toBeGreaterThan(1)
})

test.each([
  ['./relative.mjs', TypeError, /relative/],
  ['https://example.com/a.mjs', TypeError, /module/],
  [42, TypeError, /`preload\[0\]`.*got `42`/],
  [null, TypeError, /`preload\[0\]`/],
  [{}, TypeError, /`preload\[0\]`/],
  [{ source: 1 }, TypeError, /`preload\[0\]\.source`/],
  [{ source: '1', filename: 2 }, TypeError, /`preload\[0\]\.filename`/],
  [{ module: setup }, TypeError, /`export`/],
])('a wrong step is refused before anything is started: %o', async (step, errorClass, message) => {
  using recorded = recordEvents({ types: ['worker.spawned'] })
  const error = await rejection(quietWorker({ preload: [step as PreloadOption] }), errorClass)
  expect(error.message).toMatch(message)
  expect(recorded.events).toEqual([])
})

test('`preload` must be a list', async () => {
  expect((await rejection(quietWorker({ preload: 'x' as unknown as [] }), TypeError)).message).toContain(
    'preload',
  )
})
