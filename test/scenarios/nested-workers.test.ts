import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import {
  inProcessWorker,
  liveWorkers,
  RemoteError,
  type Worker,
  WorkerDiedError,
  type WorkerTree,
} from 'maltster'
import { describe, expect, onTestFinished, test } from 'vitest'
import { root } from '../rules/temporary-tree.ts'
import { useLeakCheck } from '../support/leak-check.ts'
import { waitUntilGone } from '../support/processes.ts'
import {
  expectUsable,
  ofType,
  quietWorker,
  recordEvents,
  recordWarnings,
  rejection,
  until,
} from './workers.ts'

useLeakCheck()

/** Starts a worker in a worker, which keeps it as a global of its name. */
async function startBelow(worker: Worker, name: string): Promise<void> {
  await worker.evaluate(startSource(name))
}

const startSource = (name: string): string => `
  const { spawnWorker } = await import('maltster')
  globalThis.${name} = await spawnWorker({ name: '${name}', stdout: 'ignore', stderr: 'ignore' })
  undefined`

/** `outer`, with `inner` in it, with `leaf` in that. */
async function threeLevels(): Promise<Worker> {
  const outer = await quietWorker({ name: 'outer' })
  await startBelow(outer, 'inner')
  await outer.evaluate(`await inner.evaluate(${JSON.stringify(startSource('leaf'))})`)
  return outer
}

/** What runs in the leaf, called from the outer worker. */
const atLeaf = (source: string): string =>
  `await inner.evaluate(${JSON.stringify(`await leaf.evaluate(${JSON.stringify(source)})`)})`

const spin = atLeaf('while (true) {}')

function pidsOf(trees: readonly WorkerTree[]): number[] {
  return trees.flatMap(({ pid, children }) => [pid, ...pidsOf(children)])
}

/** The tree in words, as `inner idle [leaf running]`. */
function shown(trees: readonly WorkerTree[]): string {
  return trees
    .map(
      ({ name, state, children }) => `${name} ${state}${children.length > 0 ? ` [${shown(children)}]` : ''}`,
    )
    .join(', ')
}

const becomes = (worker: Worker, tree: string): Promise<void> =>
  until(`the tree is ${tree}, not ${shown(worker.children)}`, () => shown(worker.children) === tree)

async function expectAllGone(pids: readonly number[]): Promise<void> {
  expect(pids.every((pid) => pid > 1)).toBe(true)
  await Promise.all(pids.map((pid) => waitUntilGone(pid)))
}

/** An error and the errors that led to it. */
function chain(error: unknown): { worker: string; name: string; message: string }[] {
  if (!(error instanceof RemoteError)) return []
  const { worker, remoteName: name, message, cause } = error
  return [{ worker: worker!, name, message }, ...chain(cause)]
}

describe('a worker in a worker in a worker', () => {
  test('has its place below, is seen from the top, and its events come with its path', async () => {
    using recorded = recordEvents({ path: 'outer/inner' })
    await using outer = await threeLevels()
    await becomes(outer, 'inner idle [leaf idle]')
    const [inner] = outer.children
    expect(inner).toMatchObject({ name: 'inner', path: 'outer/inner', incarnation: 1 })
    expect(inner!.children[0]).toMatchObject({ name: 'leaf', path: 'outer/inner/leaf', incarnation: 1 })
    expect(await outer.evaluate('[inner.path, inner.pid]')).toEqual(['outer/inner', inner!.pid])
    expect(await outer.evaluate('await inner.evaluate("[leaf.path, leaf.pid]")')).toEqual([
      'outer/inner/leaf',
      inner!.children[0]!.pid,
    ])
    const identity = `(await import('maltster/worker')).currentCall().worker`
    expect(await outer.evaluate(atLeaf(identity))).toEqual({
      name: 'leaf',
      path: 'outer/inner/leaf',
      incarnation: 1,
    })
    const booted = (path: string): string[] =>
      recorded.events
        .filter((event) => event.path === path)
        .slice(0, 3)
        .map(({ type }) => type)
    const boot = ['worker.spawned', 'worker.state', 'worker.ready']
    expect(booted('outer/inner')).toEqual(boot)
    expect(booted('outer/inner/leaf')).toEqual(boot)
    expect(ofType(recorded.events, 'worker.ready').map(({ pid }) => pid)).toEqual(pidsOf(outer.children))
    const seqs = recorded.events.map(({ seq }) => seq)
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b))
    // They are the business of the workers they are in.
    expect(liveWorkers()).toEqual([outer])
    expect(ofType(recorded.events, 'call.started')).toEqual([])
  })

  test('is seen running and idle again, and no more when it has ended', async () => {
    await using outer = await threeLevels()
    const spinning = outer.evaluate(spin).catch(() => {})
    await becomes(outer, 'inner running [leaf running]')
    await outer.evaluate('void inner.interrupt()')
    await becomes(outer, 'inner idle [leaf running]')
    await outer.evaluate(`await inner.evaluate('await leaf.interrupt()')`)
    await becomes(outer, 'inner idle [leaf idle]')
    await spinning
    await outer.evaluate(`await inner.evaluate('await leaf.stop()')`)
    await becomes(outer, 'inner idle')
    await outer.evaluate('await inner.stop()')
    await becomes(outer, '')
    await expectUsable(outer)
  })

  test('is interrupted by an interrupt of each on the way, and not of the outer one alone', async () => {
    await using outer = await threeLevels()
    const spinning = outer.evaluate(spin).catch((error: unknown) => error)
    await becomes(outer, 'inner running [leaf running]')
    expect(await outer.interrupt()).toMatchObject({ outcome: 'detached' })
    expect(await spinning).toMatchObject({ code: 'ERR_MALTSTER_INTERRUPTED' })
    expect(shown(outer.children)).toBe('inner running [leaf running]')
    await outer.evaluate(`await inner.evaluate('await leaf.interrupt()', { background: true })`)
    await becomes(outer, 'inner idle [leaf idle]')
    expect(await outer.evaluate(atLeaf('6 * 7'))).toBe(42)
  })

  test('lives on and stays usable when its parent is cut off in a busy loop', async () => {
    await using outer = await threeLevels()
    const pids = pidsOf(outer.children)
    const busy = outer.call(() => {
      while (true);
    })
    busy.catch(() => {})
    await outer.interrupt()
    await expect(busy).rejects.toMatchObject({ code: 'ERR_MALTSTER_INTERRUPTED' })
    expect(await outer.evaluate(atLeaf('process.pid'))).toBe(pids[1])
    await becomes(outer, 'inner idle [leaf idle]')
    expect(pidsOf(outer.children)).toEqual(pids)
  })
})

test('a worker that spins within the code by which it is a host is not cut off there, which would tear its workers', async () => {
  const lines: string[] = []
  const stdout = (line: string): void => void lines.push(line)
  await using outer = await quietWorker({ name: 'outer', interruptGraceMs: 100, stdout })
  await startBelow(outer, 'inner')
  const goesOn = join(tmpdir(), `goes-on-${process.pid}`)
  onTestFinished(() => rmSync(goesOn, { force: true }))
  // Told within the step from idle to running: cut there, the state of `inner` would never change again.
  await outer.evaluate(`
    const { observe } = await import('maltster')
    const { existsSync } = await import('node:fs')
    const goesOn = () => existsSync(${JSON.stringify(goesOn)})
    const watching = observe(() => {
      watching[Symbol.dispose]()
      console.log('spins')
      const endsAt = performance.now() + 20_000
      while (performance.now() < endsAt && !goesOn()) {
        const looksAt = performance.now() + 20
        while (performance.now() < looksAt) {}
      }
    }, { types: ['worker.state'] })
    undefined`)
  const call = outer.evaluate('await inner.call(() => 1)')
  call.catch(() => {})
  await until('it spins', () => lines.length > 0)
  expect(await outer.interrupt()).toMatchObject({ outcome: 'stuck' })
  writeFileSync(goesOn, '')
  await expect(call).rejects.toMatchObject({ code: 'ERR_MALTSTER_INTERRUPTED' })
  expect(await outer.evaluate('await inner.call(() => 6 * 7)')).toBe(42)
  expect(await outer.evaluate('await inner.whenIdle(); inner.state')).toBe('idle')
  expect(await outer.evaluate('(await inner.stop()).type')).toBe('shutdown')
})

describe('the workers in a worker end with it', () => {
  const endings: [string, (outer: Worker) => unknown][] = [
    ['stop', (outer) => outer.stop()],
    ['kill', (outer) => outer.kill()],
    ['kill -9', (outer) => process.kill(outer.pid, 'SIGKILL')],
    ['process.exit', (outer) => outer.cast(() => process.exit(3))],
    [
      'an uncaught error',
      (outer) =>
        outer.cast(() => {
          setTimeout(() => {
            throw new Error('lost')
          })
        }),
    ],
  ]

  test.each(endings)('by %s, idle', async (_, end) => {
    const outer = await threeLevels()
    await becomes(outer, 'inner idle [leaf idle]')
    const pids = pidsOf(outer.children)
    await end(outer)
    await outer.exited
    expect(outer.children).toEqual([])
    await expectAllGone(pids)
  })

  test.each(endings)('by %s, though the leaf is busy', async (name, end) => {
    const outer = await threeLevels()
    const spinning = outer.evaluate(spin)
    spinning.catch(() => {})
    await becomes(outer, 'inner running [leaf running]')
    const pids = pidsOf(outer.children)
    if (name === 'stop') await outer.stop({ drainMs: 20 })
    else await end(outer)
    await outer.exited
    expect(outer.children).toEqual([])
    await expectAllGone(pids)
    await expect(spinning).rejects.toMatchObject({ worker: 'outer' })
  })

  test('F60: kill -9 of the middle: the leaf is gone though busy, the top sees one death and why', async () => {
    await using outer = await threeLevels()
    const leafCall = outer.evaluate(spin)
    leafCall.catch(() => {})
    await becomes(outer, 'inner running [leaf running]')
    using recorded = recordEvents({ types: ['worker.exited'] })
    const pids = pidsOf(outer.children)
    process.kill(pids[0]!, 'SIGKILL')
    const error = await rejection(leafCall, RemoteError)
    expect(error).toMatchObject({
      worker: 'outer',
      remoteName: 'WorkerDiedError',
      message: expect.stringContaining('outer/inner died') as string,
      properties: {
        worker: 'outer/inner',
        pid: pids[0],
        executed: 'unknown',
        reason: { type: 'signal', signal: 'SIGKILL' },
      },
    })
    await expectAllGone(pids)
    await becomes(outer, '')
    expect(recorded.events).toMatchObject([
      { path: 'outer/inner', reason: { type: 'signal', signal: 'SIGKILL', exitCode: null } },
    ])
    await expectUsable(outer)
    await startBelow(outer, 'inner')
    await becomes(outer, 'inner idle')
  })

  test('kill -9 of the leaf: its call’s error says so through the chain', async () => {
    await using outer = await threeLevels()
    const leafCall = outer.evaluate(spin)
    leafCall.catch(() => {})
    await becomes(outer, 'inner running [leaf running]')
    process.kill(pidsOf(outer.children)[1]!, 'SIGKILL')
    const error = await rejection(leafCall, RemoteError)
    expect(error.message).toContain('Worker outer/inner/leaf died (signal, signal SIGKILL)')
    expect(chain(error)).toMatchObject([
      { worker: 'outer', name: 'RemoteError' },
      { worker: 'outer/inner', name: 'WorkerDiedError' },
    ])
    await becomes(outer, 'inner idle')
  })

  test('kill -9 of the top host: all levels are gone, busy ones too', async () => {
    const source = `
      import { spawnWorker } from 'maltster'
      const quiet = { stdout: 'ignore', stderr: 'ignore' }
      const outer = await spawnWorker({ name: 'outer', ...quiet })
      await outer.evaluate(${JSON.stringify(startSource('inner'))})
      await outer.evaluate(${JSON.stringify(`await inner.evaluate(${JSON.stringify(startSource('leaf'))})`)})
      const [inner] = outer.children
      outer.evaluate(${JSON.stringify(spin)})
      console.log(JSON.stringify([outer.pid, inner.pid, inner.children[0].pid]))
    `
    const host = spawn(process.execPath, ['--input-type=module', '-e', source], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exited = once(host, 'close')
    const [line] = (await once(createInterface(host.stdout), 'line')) as [string]
    const pids = JSON.parse(line) as number[]
    expect(pids).toHaveLength(3)
    host.kill('SIGKILL')
    await exited
    await expectAllGone(pids)
  })
})

describe('an error in the leaf', () => {
  const throwing = `
    async function fromOuter() {
      await inner.evaluate('async function fromInner() { await leaf.call(function atLeaf() {' +
        'throw Object.assign(new TypeError("deep", { cause: new RangeError("why") }), { status: 7 })' +
      '}) }; await fromInner()')
    }
    await fromOuter()`

  test('has a hop of its chain for each worker, then its own causes, and a stack with a section for each', async () => {
    await using outer = await threeLevels()
    const error = await rejection(outer.evaluate(throwing, { filename: 'top.js' }), RemoteError)
    expect(chain(error)).toEqual([
      { worker: 'outer', name: 'RemoteError', message: 'deep' },
      { worker: 'outer/inner', name: 'RemoteError', message: 'deep' },
      { worker: 'outer/inner/leaf', name: 'TypeError', message: 'deep' },
      { worker: 'outer/inner/leaf', name: 'RangeError', message: 'why' },
    ])
    const leafs = ((error.cause as RemoteError).cause as RemoteError).properties
    expect(leafs).toEqual({ status: 7 })
    const sections = error.stack!.split(/\n\s+--- called from(?: worker ([^ ]+))? ---\n/)
    expect(sections).toHaveLength(7)
    const [leaf, innerName, inner, outerName, outers, , here] = sections
    expect(leaf).toMatch(/^RemoteError \[TypeError\]: deep\n\s+at atLeaf /)
    expect(innerName).toBe('outer/inner')
    expect(inner).toContain('fromInner')
    expect(outerName).toBe('outer')
    expect(outers).toContain('fromOuter')
    expect(outers).toContain('top.js:')
    expect(here).toContain('nested-workers.test.ts')
    expect([leaf, inner, outers].join('\n')).not.toContain('/dist/')
  })

  test('that no worker in between passes on as it is, is the cause of the one that it throws', async () => {
    await using outer = await threeLevels()
    const wrapping = `
      try { ${atLeaf('throw new Error("deep")')} }
      catch (cause) { throw new Error('wrapped', { cause }) }`
    const error = await rejection(outer.evaluate(wrapping), RemoteError)
    expect(chain(error)).toEqual([
      { worker: 'outer', name: 'Error', message: 'wrapped' },
      { worker: 'outer', name: 'RemoteError', message: 'deep' },
      { worker: 'outer/inner', name: 'RemoteError', message: 'deep' },
      { worker: 'outer/inner/leaf', name: 'Error', message: 'deep' },
    ])
  })

  test('of a cast is an event at the top', async () => {
    await using outer = await threeLevels()
    using recorded = recordEvents({ types: ['cast.failed'] })
    await outer.evaluate(`await inner.evaluate(
      'leaf.cast(() => { throw Object.assign(new Error("unheard"), { fn() {} }) })')`)
    await until('it is heard', () => recorded.events.length > 0)
    expect(recorded.events).toMatchObject([
      { path: 'outer/inner/leaf', error: { message: expect.stringContaining('unheard') as string } },
    ])
  })
})

describe('workers without a process', () => {
  test('in a worker: below it, in its process, with a session of its own', async () => {
    using recorded = recordEvents({ types: ['worker.exited'] })
    await using outer = await quietWorker({ name: 'outer' })
    await outer.evaluate(`
      const { inProcessWorker } = await import('maltster')
      let secret = 'outer'
      const guest = await inProcessWorker({ name: 'guest' })
      await guest.evaluate('let secret = "guest"; let other = 1')`)
    expect(outer.children).toMatchObject([{ path: 'outer/guest', pid: outer.pid }])
    expect(await outer.evaluate('[secret, typeof other]')).toEqual(['outer', 'undefined'])
    expect(await outer.evaluate('await guest.evaluate("await null; [secret, typeof other]")')).toEqual([
      'guest',
      'number',
    ])
    const identity = `(await import('maltster/worker')).currentCall().worker.path`
    expect(await outer.evaluate(`await guest.evaluate(${JSON.stringify(identity)})`)).toBe('outer/guest')
    expect(await outer.evaluate(identity)).toBe('outer')
    const run = await outer.run(`const { text } = await guest.run('console.log("hi"); secret'); text`)
    expect(run).toMatchObject({ ok: true, value: "'guest'", stdout: 'hi\n' })
    const failing = rejection(
      outer.evaluate('await guest.call(() => { throw new Error("no") })'),
      RemoteError,
    )
    expect(chain(await failing).map(({ worker }) => worker)).toEqual(['outer', 'outer/guest'])
    await outer.evaluate('await guest.stop()')
    await becomes(outer, '')
    expect(recorded.events).toMatchObject([{ path: 'outer/guest', reason: { type: 'shutdown' } }])
    await expectUsable(outer)
  })

  test('in this process, one in the other, and evaluations in each that interleave', async () => {
    await using one = await inProcessWorker({ name: 'one' })
    await using other = await inProcessWorker({ name: 'other' })
    const source = (own: string): string =>
      `let own = '${own}'; for (let turn = 0; turn < 5; turn++) { own += turn; await null }; own`
    expect(await Promise.all([one.evaluate(source('a')), other.evaluate(source('b'))])).toEqual([
      'a01234',
      'b01234',
    ])
    const nested = await one.evaluate(`
      const { inProcessWorker } = await import('maltster')
      const deeper = await inProcessWorker({ name: 'deeper' })
      const result = await deeper.run('let own = "c"; own')
      await deeper.stop()
      ;[own, result.text]`)
    expect(nested).toEqual(['a01234', "'c'"])
    // A guest is no process: what is started in it belongs to the process it is in.
    expect(one.children).toEqual([])
    expect(await other.evaluate('own')).toBe('b01234')
  })

  test('in this process may have workers that are processes', async () => {
    await using guest = await inProcessWorker({ name: 'guest' })
    await guest.evaluate(startSource('child'))
    expect(await guest.evaluate('[child.path, child.capabilities.process]')).toEqual(['child', true])
    expect(await guest.evaluate('await child.call(() => 6 * 7)')).toBe(42)
    await guest.evaluate('await child.stop()')
  })

  test.each(['SIGTERM', 'SIGINT'] as const)('end by %s as a process would', async (signal) => {
    const guest = await inProcessWorker()
    guest.kill(signal)
    expect(await guest.exited).toMatchObject({ type: 'killed', signal, exitCode: null })
  })

  test('are counted out when they are killed, and what they began is not heard of', async () => {
    const guest = await inProcessWorker({ name: 'guest' })
    const call = rejection(
      guest.call(() => new Promise(() => {})),
      WorkerDiedError,
    )
    guest.kill()
    expect((await call).reason).toMatchObject({ type: 'killed' })
    expect(liveWorkers()).toEqual([])
    const contexts = Reflect.get(globalThis, Symbol.for('maltster.workerContexts')) as unknown[]
    await until('its context is gone', () => contexts.length === 0)
  })
})

test('a name below has one owner at a time, and is free when that has ended', async () => {
  await using outer = await quietWorker({ name: 'outer' })
  await startBelow(outer, 'same')
  const refused = await rejection(startBelow(outer, 'same'), RemoteError)
  expect(refused).toMatchObject({ remoteName: 'SpecError', fault: 'taken', field: 'name', value: 'same' })
  expect(refused.message).toMatch(/belongs to the worker `outer\/same`, which is up, process \d+/)
  await becomes(outer, 'same idle')
  await outer.evaluate('same.kill(); await same.exited')
  await startBelow(outer, 'same')
  await becomes(outer, 'same idle')
  expect(await outer.evaluate('await same.call(() => 6 * 7)')).toBe(42)
  await outer.evaluate('await same.stop()')
  await becomes(outer, '')
})

test('a notebook in a notebook: the example’s host runs in a worker, its notebooks below', async () => {
  using warned = recordWarnings()
  const folder = join(root, 'examples/02-notebook-host')
  await using outer = await quietWorker({ name: 'outer', cwd: folder })
  await outer.evaluate(`
    import { Notebook } from './notebook.mjs'
    const printed = []
    const notebook = new Notebook('inside', { folder: ${JSON.stringify(folder)}, onOutput: (id, text) => printed.push(text) })
    const run = async (...sources) =>
      (await notebook.run(sources.map((source, index) => ({ id: String(index), source })))).map(({ status, text }) => [status, text])`)
  const below = `import { spawnWorker } from 'maltster'; const deepest = await spawnWorker({ name: 'deepest' }); deepest.path`
  expect(
    await outer.evaluate(`await run('console.log("printed"); 1 + 1', ${JSON.stringify(below)})`),
  ).toEqual([
    ['done', '2'],
    ['done', "'outer/inside/deepest'"],
  ])
  expect(await outer.evaluate('printed')).toEqual(['printed\n'])
  await becomes(outer, 'inside idle [deepest idle]')
  const spinning = outer.evaluate(`await run('console.log("spins"); while (true) {}', '3')`)
  await until('it spins', () => shown(outer.children).startsWith('inside running'))
  await outer.evaluate(`
    while (!printed.includes('spins\\n')) await new Promise((resolve) => setTimeout(resolve, 5))
    await notebook.interrupt()`)
  const statuses = (results: unknown): unknown[] => (results as unknown[][]).map(([status]) => status)
  expect(statuses(await spinning)).toEqual(['interrupted', 'interrupted'])
  const exiting = await outer.evaluate(`await run('process.exit(1)', '2')`)
  expect(statuses(exiting)).toEqual(['process exited', 'no process'])
  await becomes(outer, '')
  expect(await outer.evaluate(`await run('2 * 3')`)).toEqual([['done', '6']])
  const pids = pidsOf(outer.children)
  await outer.stop()
  await expectAllGone(pids)
  expect(warned.warnings).toEqual([])
})
