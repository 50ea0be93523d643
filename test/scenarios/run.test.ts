import {
  BackpressureError,
  InterruptedError,
  RemoteError,
  type RunOptions,
  spawnWorker,
  type Worker,
  WorkerDiedError,
  WorkerStoppedError,
} from 'maltster'
import { expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { quietWorker, recordWarnings, rejection, until } from './workers.ts'

useLeakCheck()

const setReady = `process.stdout.write('ready\\n');`

/** Options with which it is known when the snippet has begun. */
function started(): { options: RunOptions; hasBegun: () => Promise<void> } {
  let text = ''
  return {
    options: { onStdout: (more) => (text += more) },
    hasBegun: () => until('the run prints', () => text.includes('ready')),
  }
}

test('run tells value, text, output and duration', async () => {
  await using worker = await quietWorker()
  const result = await worker.run('console.log("out"); console.error("err"); ({ a: [1, new Map([[1, 2]])] })')
  expect(result).toMatchObject({
    ok: true,
    outcome: 'value',
    value: { a: [1, new Map([[1, 2]])] },
    text: '{ a: [ 1, Map(1) { 1 => 2 } ] }',
    stdout: 'out\n',
    stderr: 'err\n',
    error: undefined,
    position: undefined,
    exit: undefined,
  })
  expect(result.durationMs).toBeGreaterThanOrEqual(0)
  expect(await worker.run('let a = 1')).toMatchObject({
    outcome: 'value',
    value: undefined,
    text: 'undefined',
  })
})

test('run tells an error with its place in the source', async () => {
  await using worker = await quietWorker()
  const { error, ...result } = await worker.run('const f = (x) => x.y\n\n  f(null)', {
    filename: 'answer.js',
  })
  expect(result).toMatchObject({ ok: false, outcome: 'thrown', position: { line: 1, column: 20 } })
  expect(result.text).toBe("TypeError: Cannot read properties of null (reading 'y')")
  expect(error).toBeInstanceOf(RemoteError)
  expect((error as RemoteError).remoteStack).toContain('answer.js:3:3')
  expect((error as RemoteError).remoteStack).not.toMatch(/main\.cjs|node:/)
  const other = await worker.run('\n throw Object.assign(new Error(), { line: -1, column: 0.5 })')
  expect(other.position).toEqual({ line: 2, column: 22 })
  expect(await worker.run('throw { code: 7 }')).toMatchObject({ outcome: 'thrown', position: undefined })
})

test('run tells a syntax error apart from one that the code compiles', async () => {
  await using worker = await quietWorker()
  const { text, ...result } = await worker.run('let a = 1\nlet b = ;', { filename: 'b.js' })
  expect(result).toMatchObject({ ok: false, outcome: 'syntax-error', position: { line: 2, column: 9 } })
  expect(text).toContain('b.js:2:9')
  expect(text).toContain('let b = ;\n        ^')
  expect(await worker.run('eval("let c = ;")')).toMatchObject({ outcome: 'thrown' })
  expect(await worker.run('typeof a')).toMatchObject({ value: 'undefined' })
})

test('outcome timeout: what spins is cut off, what it printed before is there', async () => {
  await using worker = await quietWorker()
  // The time begins with the wait for what it takes to run source there; it must suffice to print.
  await worker.run('0')
  const spinning = await worker.run('console.log("before"); while (true) {}', { timeoutMs: 1500 })
  expect(spinning).toMatchObject({ ok: false, outcome: 'timeout', stdout: 'before\n', exit: undefined })
  const waiting = await worker.run('await new Promise(() => {})', { timeoutMs: 300 })
  expect(waiting).toMatchObject({ outcome: 'timeout' })
  expect(waiting.error?.message).toContain('within 300 ms')
  expect(await worker.run('1 + 1')).toMatchObject({ value: 2 })
})

test('outcome interrupted', async () => {
  await using worker = await quietWorker()
  const { options, hasBegun } = started()
  const running = worker.run(`${setReady} await new Promise(() => {})`, options)
  await hasBegun()
  await worker.interrupt()
  const { outcome, error } = await running
  expect(outcome).toBe('interrupted')
  expect(error).toBeInstanceOf(InterruptedError)
})

test('outcome aborted: during the run, before it, and while it waits for its turn', async () => {
  await using worker = await quietWorker()
  const { options, hasBegun } = started()
  const controller = new AbortController()
  const { signal } = controller
  const running = worker.run(`${setReady} await new Promise(() => {})`, { ...options, signal })
  const waiting = worker.run('1', { signal })
  await hasBegun()
  controller.abort(new Error('enough'))
  expect(await running).toMatchObject({ outcome: 'aborted', error: { message: 'enough' } })
  expect(await waiting).toMatchObject({ outcome: 'aborted', stdout: '' })
  expect(await worker.run('1', { signal })).toMatchObject({ outcome: 'aborted' })
  expect(await worker.run('1 + 1')).toMatchObject({ value: 2 })
})

test('outcome exited, with the reason and what was printed', async () => {
  const worker = await quietWorker()
  const result = await worker.run('console.log("last"); process.exit(3)')
  expect(result).toMatchObject({ outcome: 'exited', stdout: 'last\n', exit: { type: 'exit', exitCode: 3 } })
  expect(result.error).toBeInstanceOf(WorkerDiedError)
  expect(worker.state).toBe('dead')
})

test('outcome out-of-memory', async () => {
  const worker = await quietWorker({ maxHeapMb: 32 })
  const result = await worker.run('const all = []; while (true) all.push({ all })')
  expect(result).toMatchObject({ outcome: 'out-of-memory', exit: { type: 'out-of-memory' } })
})

test('outcome stopped', async () => {
  const worker = await quietWorker()
  const { options, hasBegun } = started()
  const running = worker.run(`${setReady} await new Promise(() => {})`, options)
  await hasBegun()
  await worker.stop({ drainMs: 0 })
  expect(await running).toMatchObject({ ok: false, outcome: 'stopped', stdout: 'ready\n' })
})

test('a run on a worker that has ended rejects', async () => {
  const stopped = await quietWorker()
  await stopped.stop()
  expect((await rejection(stopped.run('1'), WorkerStoppedError)).executed).toBe('no')
  const killed = await quietWorker()
  killed.kill()
  await killed.exited
  expect((await rejection(killed.run('1'), WorkerDiedError)).executed).toBe('no')
})

test('a run that waits for its turn when the worker dies is told so', async () => {
  const worker = await quietWorker()
  const first = worker.run('process.exit(3)')
  const second = worker.run('1')
  expect(await first).toMatchObject({ outcome: 'exited' })
  expect(await second).toMatchObject({ outcome: 'exited', stdout: '' })
})

test('10,000 lines arrive, in order and before the reply', async () => {
  await using worker = await quietWorker()
  const source =
    'for (let i = 0; i < 10_000; i++) { console.log("line", i); if (i % 10 === 0) console.error(i) }'
  const { stdout, stderr } = await worker.run(source)
  expect(stdout.split('\n')).toEqual([...Array.from({ length: 10_000 }, (_, i) => `line ${i}`), ''])
  expect(stderr.split('\n')).toHaveLength(1001)
})

test('the output of child processes of the run, of multi-byte characters and without newline is complete', async () => {
  await using worker = await quietWorker()
  const child = `require('child_process').spawnSync('printf', ['child %s', 'é😀'], { stdio: 'inherit' })`
  expect(await worker.run(`process.stdout.write('😀é'); ${child}; process.stdout.write('…')`)).toMatchObject({
    stdout: '😀échild é😀…',
  })
})

test('20 MB that are on their way when the code ends arrive before the reply', async () => {
  await using worker = await quietWorker({ stdout: 'pipe' })
  const { stdout } = await worker.run(`for (let i = 0; i < 20; i++) console.log('x'.repeat(999_999)); 1`, {
    maxOutputBytes: 2 ** 25,
  })
  expect(stdout).toHaveLength(20_000_000)
})

test('onStdout and onStderr are told the text as it comes, and may throw', async () => {
  await using worker = await quietWorker()
  using recorded = recordWarnings()
  const seen: string[] = []
  const { options, hasBegun } = started()
  const running = worker.run(
    `${setReady} await new Promise((go) => { globalThis.go = go }); console.error('err')`,
    {
      ...options,
      onStderr: (text) => {
        seen.push(text)
        throw new Error('mine')
      },
    },
  )
  await hasBegun()
  expect(seen).toEqual([])
  await worker.call(() => (globalThis as unknown as { go(): void }).go(), [], { background: true })
  expect(await running).toMatchObject({ outcome: 'value', stdout: 'ready\n', stderr: 'err\n' })
  expect(seen).toEqual(['err\n'])
  await until('a warning', () => recorded.warnings.length > 0)
  expect(recorded.warnings[0]?.message).toContain('mine')
})

test('maxOutputBytes keeps the first bytes, whole characters, and notes what was cut', async () => {
  await using worker = await quietWorker()
  const told: string[] = []
  const result = await worker.run('process.stdout.write("é".repeat(100)); process.stderr.write("short")', {
    maxOutputBytes: 11,
    onStdout: (text) => told.push(text),
  })
  expect(result.stdout).toBe(`${'é'.repeat(5)}\n… 190 more bytes were cut (maxOutputBytes: 11)`)
  expect(result.stderr).toBe('short')
  expect(told.join('')).toBe('é'.repeat(5))
})

/** What was done in a worker, in order. */
const note = (what: string): void => {
  const holder = globalThis as { notes?: string[] }
  ;(holder.notes ??= []).push(what)
}
const takeNotes = (): unknown => (globalThis as { notes?: string[] }).notes

test('a run has the worker to itself: calls, casts and runs wait for each other, the background does not', async () => {
  await using worker = await quietWorker()
  await worker.call(takeNotes)
  const sleepAndNote = async (what: string): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, 50))
    const holder = globalThis as { notes?: string[] }
    ;(holder.notes ??= []).push(what)
  }
  const wait = `await new Promise((go) => setTimeout(go, 50));`
  const before = worker.call(sleepAndNote, ['before'])
  const first = worker.run(`notes.push('first begins'); ${wait} notes.push('first ends')`)
  const between = worker.call(note, ['between'])
  worker.cast(note, ['cast'])
  const second = worker.run(`notes.push('second'); console.log('mine')`)
  const after = worker.evaluate(`notes.push('after')`)
  const background = worker.call(note, ['background'], { background: true })
  const results = await Promise.all([before, first, between, second, after, background])
  expect(results[3]).toMatchObject({ stdout: 'mine\n' })
  expect(await worker.call(takeNotes)).toEqual([
    'background',
    'before',
    'first begins',
    'first ends',
    'between',
    'cast',
    'second',
    'after',
  ])
})

test('calls that fill the mailbox while they wait for a run do not disturb it', async () => {
  await using worker = await quietWorker({ onStuck: 'kill', mailbox: { maxBytes: 1000 } })
  const { options, hasBegun } = started()
  const go = (): void => (globalThis as unknown as { go(): void }).go()
  const first = worker.run(`${setReady} await new Promise((go) => { globalThis.go = go })`, options)
  const second = worker.run(`console.log('${'s'.repeat(900)}')`)
  await hasBegun()
  const kept = worker.call(note, ['x'.repeat(700)])
  await rejection(worker.call(note, ['x'.repeat(700)]), BackpressureError)
  await worker.call(go, [], { background: true })
  expect(await first).toMatchObject({ outcome: 'value', stdout: 'ready\n', exit: undefined })
  expect(await second).toMatchObject({ outcome: 'value', stdout: `${'s'.repeat(900)}\n` })
  await kept
})

test('a stop that drains lets a run come to its end, with its output', async () => {
  const worker = await quietWorker({ onStuck: 'kill' })
  const { options, hasBegun } = started()
  const wait = 'await new Promise((go) => setTimeout(go, 100))'
  const running = worker.run(`${setReady} ${wait}; console.log('done'); 7`, options)
  await hasBegun()
  const reason = await worker.stop({ drainMs: Infinity })
  expect(reason).toMatchObject({ type: 'shutdown', exitCode: 0 })
  expect(await running).toMatchObject({ outcome: 'value', value: 7, stdout: 'ready\ndone\n' })
})

test('a value that can not be sent is told as text', async () => {
  await using worker = await quietWorker()
  expect(await worker.run('[() => 1]')).toMatchObject({
    ok: true,
    outcome: 'value',
    value: undefined,
    text: '[ [Function (anonymous)] ]',
  })
})

test('runs in scopes: names of their own, that last', async () => {
  await using worker = await quietWorker()
  const scope = worker.scope('cell')
  await scope.run('let a = 1')
  expect(await scope.run('a + 1')).toMatchObject({ value: 2 })
  expect(await worker.run('typeof a', { scope: 'cell' })).toMatchObject({ value: 'number' })
  expect(await worker.run('typeof a')).toMatchObject({ value: 'undefined' })
  const { position } = await scope.run('\nawait null\nmissing')
  expect(position).toEqual({ line: 3, column: 1 })
})

test('a preset for code that is not yours: an empty environment, limits, and a worker that is in order or gone', async () => {
  process.env['RUN_TEST_SECRET'] = 'secret'
  await using worker: Worker = await spawnWorker({ preset: 'untrusted' })
  delete process.env['RUN_TEST_SECRET']
  const { value } = await worker.run('Object.keys(process.env)')
  expect(value).toEqual([])
  expect(await worker.run('process.execArgv')).toMatchObject({ value: ['--max-old-space-size=256'] })
  const { stdout } = await worker.run('process.stdout.write("x".repeat(2 ** 20 + 3))')
  expect(stdout).toContain('… 3 more bytes were cut (maxOutputBytes: 1048576)')
  const gone = await worker.run('Promise.prototype.then = () => {}', { timeoutMs: 300 })
  expect(gone).toMatchObject({ outcome: 'timeout', exit: { type: 'unresponsive' } })
  expect(worker.state).toBe('dead')
})

test.each([
  [{ timeoutMs: 0 }, RangeError, 'timeoutMs'],
  [{ timeoutMs: '1' }, TypeError, 'timeoutMs'],
  [{ maxOutputBytes: -1 }, RangeError, 'maxOutputBytes'],
  [{ onStdout: 'x' }, TypeError, 'onStdout'],
  [{ filename: 1 }, TypeError, 'filename'],
  [{ scope: 1 }, TypeError, 'scope'],
  [{ timeoutMS: 1 }, TypeError, 'timeoutMs'],
  [{ captures: {} }, TypeError, 'captures'],
  [{ background: true }, TypeError, 'background'],
])('wrong options are refused: %o', async (options, errorClass, named) => {
  await using worker = await quietWorker()
  const error = await rejection(worker.run('1', options as RunOptions), errorClass)
  expect(error.message).toContain(named)
  await rejection(worker.run(1 as unknown as string), TypeError)
})

test('an interrupt right behind a run means the run, before it has begun and while it waits for its turn', async () => {
  await using worker = await quietWorker()
  const first = worker.run('await new Promise((resolve) => setTimeout(resolve, 20_000))')
  const second = worker.run('2')
  await worker.interrupt()
  expect((await first).outcome).toBe('interrupted')
  expect((await second).outcome).toBe('interrupted')
  expect((await worker.run('3')).value).toBe(3)
})
