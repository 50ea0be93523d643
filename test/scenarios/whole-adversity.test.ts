import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { inProcessWorker, InterruptedError, ProtocolError, spawnWorker, WorkerDiedError } from 'maltster'
import { command } from 'maltster/transport'
import { expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { processState } from '../support/processes.ts'
import { expectUsable, quietWorker, rejection, until } from './workers.ts'

// What reviewers broke, each by itself. Workers are processes on pipes here, unless a test says otherwise.

useLeakCheck()

const quiet = { stdout: 'ignore', stderr: 'ignore' } as const
const permissionFlag = process.allowedNodeEnvironmentFlags.has('--permission')
  ? '--permission'
  : '--experimental-permission'

const isGone = (pid: number): boolean => ['gone', 'zombie'].includes(processState(pid))

/** A host of its own that runs a program and then gets SIGKILL; answers the pid that it printed. */
async function killedHost(program: string): Promise<number> {
  const host = spawn(process.execPath, ['--input-type=module', '-e', program], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(host.stdout, 'data')) as [Buffer]
  host.kill('SIGKILL')
  await once(host, 'exit')
  return Number(String(line).trim())
}

test('limits that are too small for anything fail the boot, not the host', async () => {
  expect(await rejection(quietWorker({ limits: { maxBodyBytes: 8 } }), ProtocolError)).toBeDefined()
})

test.each(['process.exit(4)', 'process.abort()', 'process.kill(process.pid, "SIGKILL")'])(
  'what was printed before %s is all there',
  async (end) => {
    const worker = await spawnWorker(quiet)
    const { stdout, outcome } = await worker.run(
      `for (let i = 0; i < 20_000; i++) console.log('line', i); ${end}`,
    )
    expect(outcome).toBe('exited')
    expect(stdout.split('\n').filter((line) => line.startsWith('line'))).toHaveLength(20_000)
  },
)

test('an idle in-process worker does not hold its host', async () => {
  const program =
    "import { inProcessWorker } from 'maltster'; const w = await inProcessWorker(); await w.call(() => 1)"
  const host = spawn(process.execPath, ['--input-type=module', '-e', program], {
    cwd: import.meta.dirname,
    stdio: 'inherit',
  })
  expect(await once(host, 'exit')).toEqual([0, null])
})

test('a run that waits for its turn settles when its signal aborts', async () => {
  await using worker = await spawnWorker(quiet)
  const first = worker.run('await new Promise((resolve) => setTimeout(resolve, 20_000))')
  const controller = new AbortController()
  const second = worker.run('2', { signal: controller.signal })
  controller.abort(new Error('enough'))
  expect(await second).toMatchObject({ outcome: 'aborted', ok: false, error: { message: 'enough' } })
  await worker.interrupt()
  expect((await first).outcome).toBe('interrupted')
  expect((await worker.run('3')).value).toBe(3)
})

test('a parser that is at it for long is cut off like any code', async () => {
  await using worker = await spawnWorker(quiet)
  const source = `[${'1,'.repeat(4_000_000)}].length`
  const evaluation = worker.evaluate(source)
  const failed = rejection(evaluation, InterruptedError)
  const { userCpuMs: before = 0 } = await worker.stats()
  // The sentinel answers while the main thread is at it: what it has used since is the parser's.
  for (let asked = 0; asked < 1000; asked++) {
    const { userCpuMs = 0 } = await worker.stats()
    if (userCpuMs > before + 200) break
  }
  expect((await worker.interrupt()).outcome).toBe('interrupted')
  await failed
  expect(await worker.evaluate('1 + 1')).toBe(2)
})

test('code in a session sees no frames of the runtime in its stacks', async () => {
  await using worker = await spawnWorker(quiet)
  const { stderr } = await worker.run("const f = () => console.error(new Error('mine'))\nf()", {
    filename: 'cell.js',
  })
  expect(stderr).toBe('Error: mine\n    at f (cell.js:1:31)\n    at cell.js:2:1\n')
  const caught = await worker.evaluate('try { null.x } catch (error) { error.stack }', {
    filename: 'cell-2.js',
  })
  expect(caught).toBe("TypeError: Cannot read properties of null (reading 'x')\n    at cell-2.js:1:12")
})

test("names can't be moved to another worker's scope", async () => {
  await using one = await spawnWorker(quiet)
  await using other = await spawnWorker(quiet)
  const scope = one.scope('a')
  await scope.evaluate('let data = 1')
  await rejection(scope.move(['data'], other.scope('b')), TypeError)
  expect(await scope.names()).toEqual([{ name: 'data', kind: 'let' }])
})

test('an object behind a comment is an object', async () => {
  await using worker = await spawnWorker(quiet)
  expect(await worker.evaluate('// the config\n{ a: 1, b: 2 }')).toEqual({ a: 1, b: 2 })
  expect(await worker.evaluate('/* x */ { a: 1 }')).toEqual({ a: 1 })
})

test('code that takes the making of stacks away can be interrupted all the same', async () => {
  const lines: string[] = []
  await using worker = await spawnWorker({ ...quiet, stdout: (line) => lines.push(line) })
  await worker.run('Error.captureStackTrace = null')
  const endless = rejection(worker.evaluate("console.log('spins'); for (;;);"), InterruptedError)
  await until('it spins', () => lines.includes('spins'))
  expect((await worker.interrupt()).outcome).toBe('interrupted')
  await endless
  await expectUsable(worker)
})

test.each([
  [{ env: { '': 'x' } }, /env/],
  [{ maxHeapMb: 1.5 }, /maxHeapMb/],
  [{ preload: [{ source: '1', filname: 'x' }] }, /filname/],
  [{ runtimeEntry: new URL('http://x') }, /runtimeEntry/],
])('the option %o is refused by name', async (options, words) => {
  await expect(spawnWorker(options as never)).rejects.toThrow(words)
})

test.each([null, { nmae: 'x' }, { env: {} }])('an in-process worker refuses %o', async (options) => {
  await expect(inProcessWorker(options as never)).rejects.toThrow(TypeError)
})

test('a lost lane is told as that, and not as a signal out of nowhere', async () => {
  const worker = await spawnWorker(quiet)
  const lost = rejection(
    worker.call(() => {
      for (const socket of process.getActiveResourcesInfo()) void socket
      const handles = (
        process as unknown as { _getActiveHandles(): { end?(): void; fd?: number; destroy?(): void }[] }
      )._getActiveHandles()
      for (const handle of handles) handle.destroy?.()
      return new Promise(() => {})
    }),
    WorkerDiedError,
  )
  expect((await lost).reason.type).toBe('transport')
})

test('the permission model: what spins dies with its host, and an interrupt does not kill', async () => {
  const flags = JSON.stringify([permissionFlag, '--allow-fs-read=*'])
  const pid = await killedHost(`
    import { spawnWorker } from 'maltster'
    const w = await spawnWorker({ execArgv: ${flags}, stderr: 'ignore' })
    w.cast(() => { for (;;); })
    setTimeout(() => console.log(w.pid), 200)`)
  await until('the worker is gone', () => isGone(pid))
  await using worker = await spawnWorker({
    ...quiet,
    execArgv: [permissionFlag, '--allow-fs-read=*', '--allow-worker'],
  })
  await worker.stats()
  expect(worker.capabilities.interrupt).toBe(false)
  const waiting = rejection(
    worker.call(() => new Promise(() => {})),
    InterruptedError,
  )
  expect((await worker.interrupt()).outcome).toBe('detached')
  await waiting
  await expectUsable(worker)
})

test('the permission model: an interrupt of what spins is stuck, and does not kill either', async () => {
  let isSpinning = false
  await using worker = await spawnWorker({
    stdout: 'ignore',
    stderr: () => (isSpinning = true),
    interruptGraceMs: 300,
    execArgv: [permissionFlag, '--allow-fs-read=*', '--allow-worker'],
  })
  const call = rejection(
    worker.call(() => {
      process.getBuiltinModule('node:fs').writeSync(2, 'spins\n')
      for (;;);
    }),
    WorkerDiedError,
  )
  await until('it spins', () => isSpinning)
  expect((await worker.interrupt()).outcome).toBe('stuck')
  expect(worker.state).toBe('interrupting')
  worker.kill()
  expect((await call).reason).toMatchObject({ type: 'killed' })
})

test.runIf(process.getuid?.() === 0)(
  'a suspended worker behind a launcher that sheds its guard dies with its host',
  async () => {
    const pid = await killedHost(`
      import { spawnWorker } from 'maltster'
      import { command } from 'maltster/transport'
      const w = await spawnWorker({ launcher: command(['sh', '-c', '"$@"; exit $?', 'sh'], { lanes: 'inherit' }), stderr: 'ignore' })
      w.suspend()
      setTimeout(() => console.log(w.pid), 200)`)
    await until('the worker is gone', () => isGone(pid))
    expect(isGone(pid)).toBe(true)
  },
)

test('behind a launcher that starts it as a child, the pid is the worker’s', async () => {
  await using worker = await spawnWorker({
    ...quiet,
    launcher: command(['sh', '-c', '"$@"; exit $?', 'sh'], { lanes: 'inherit' }),
  })
  expect(worker.pid).toBe(await worker.call(() => process.pid))
})

test('when a worker is stopped its own workers are stopped, and not merely gone', async () => {
  const outer = await spawnWorker({ ...quiet, name: 'outer', cwd: import.meta.dirname })
  const mark = `${process.env['TMPDIR'] ?? '/tmp'}/stopped-in-order`
  await outer.evaluate(`
    import { spawnWorker } from 'maltster'
    globalThis.inner = await spawnWorker()
    await inner.evaluate('process.on("exit", () => require("node:fs").writeFileSync(${JSON.stringify(mark)}, "x")); 1')`)
  const reason = await outer.stop()
  expect(reason).toMatchObject({ type: 'shutdown', exitCode: 0 })
  const { existsSync } = await import('node:fs')
  expect(existsSync(mark)).toBe(true)
})
