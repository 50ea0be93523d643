import { root, supervise, type Worker, type WorkerTree } from 'maltster'
import { describe, expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { processState, waitUntilGone } from '../support/processes.ts'
import { ofType, quietWorker, recordEvents, until } from './workers.ts'

useLeakCheck()

/** Starts a tree in a worker: the supervisor `app` with the worker `kernel`, and the pool `jobs`. */
const treeSource = `
  const { supervise } = await import('maltster')
  const quiet = { stdout: 'ignore', stderr: 'ignore' }
  globalThis.app = await supervise({
    name: 'app',
    maxRestarts: 1,
    periodMs: 60_000,
    backoff: { minMs: 50, jitter: 0 },
    children: [
      { id: 'kernel', worker: quiet },
      { id: 'jobs', pool: { size: 2, worker: quiet } },
    ],
  })
  undefined`

/** The same in a worker of the supervisor `upper`, which is in a worker. */
const twoLevels = `
  const { supervise } = await import('maltster')
  const quiet = { stdout: 'ignore', stderr: 'ignore' }
  globalThis.upper = await supervise({ name: 'upper', children: [{ id: 'host', worker: quiet }] })
  await upper.worker('host').evaluate(${JSON.stringify(treeSource)})`

const inHost = (source: string): string => `await upper.worker('host').evaluate(${JSON.stringify(source)})`

/** The tree in words, as `app:supervisor up [kernel:worker idle]`. */
function shown(trees: readonly WorkerTree[]): string {
  return trees
    .map(({ name, kind, state, children }) => {
      const below = children.length > 0 ? ` [${shown(children)}]` : ''
      return `${name}:${kind} ${state}${below}`
    })
    .join(', ')
}

async function becomes(worker: Worker, tree: string): Promise<void> {
  await until(`the tree is ${tree}`, () => shown(worker.children) === tree).catch(() => {
    expect(shown(worker.children)).toBe(tree)
  })
}

const members = 'worker-1:worker idle, worker-2:worker idle'
const whole = `app:supervisor up [kernel:worker idle, jobs:pool up [${members}]]`
const wholeBelow = `upper:supervisor up [host:worker idle [${whole}]]`

function all(trees: readonly WorkerTree[]): WorkerTree[] {
  return trees.flatMap((one) => [one, ...all(one.children)])
}

const at = (worker: Worker, path: string): WorkerTree =>
  all(worker.children).find((one) => one.path === path)!

describe('supervisors and pools in a worker', () => {
  test('stand below it in the tree of its host, with their members, their states and their paths', async () => {
    await using outer = await quietWorker({ name: 'outer' })
    await outer.evaluate(treeSource)
    await becomes(outer, whole)
    expect(all(outer.children).map(({ path }) => path)).toEqual([
      'outer/app',
      'outer/app/kernel',
      'outer/app/jobs',
      'outer/app/jobs/worker-1',
      'outer/app/jobs/worker-2',
    ])
    const workers = all(outer.children).filter(({ kind }) => kind === 'worker')
    expect(workers.map(({ pid }) => processState(pid))).toEqual(['running', 'running', 'running'])
    expect(at(outer, 'outer/app/kernel').pid).toBe(await outer.evaluate(`app.worker('kernel').pid`))
    const [inTree] = root().tree().children
    expect(inTree).toMatchObject({ path: 'outer', children: outer.children })
    expect(structuredClone(inTree)).toEqual(inTree)
  })

  test('and two levels deep, and go from it as they are stopped', async () => {
    await using outer = await quietWorker({ name: 'outer' })
    await outer.evaluate(twoLevels)
    await becomes(outer, wholeBelow)
    expect(at(outer, 'outer/upper/host/app/jobs/worker-2').kind).toBe('worker')
    await outer.evaluate(inHost(`await app.pool('jobs').resize(1)`))
    await until(
      'one is gone',
      () => all(outer.children).filter(({ name }) => name.startsWith('worker-')).length === 1,
    )
    await outer.evaluate(inHost(`await app.terminateChild('kernel')`))
    await until('it is stopped', () => at(outer, 'outer/upper/host/app/kernel').state === 'stopped')
    expect(at(outer, 'outer/upper/host/app/kernel').pid).toBe(0)
    await outer.evaluate(inHost(`app.deleteChild('kernel')`))
    await until('it is gone', () => !shown(outer.children).includes('kernel'))
    await outer.evaluate(inHost('await app.stop()'))
    await becomes(outer, 'upper:supervisor up [host:worker idle]')
    await outer.evaluate('await upper.stop()')
    await becomes(outer, '')
  })

  test('are seen as they back off and come back', async () => {
    await using outer = await quietWorker({ name: 'outer' })
    await outer.evaluate(`
      const { supervise } = await import('maltster')
      const quiet = { stdout: 'ignore', stderr: 'ignore' }
      globalThis.app = await supervise({
        name: 'app', maxRestarts: 9, periodMs: 60_000, backoff: { minMs: 60_000, jitter: 0 },
        children: [{ id: 'kernel', worker: quiet }],
      })
      undefined`)
    const kernel = (): WorkerTree => at(outer, 'outer/app/kernel')
    for (const incarnation of [1, 2]) {
      await until('it is up', () => kernel().state === 'idle' && kernel().incarnation === incarnation)
      process.kill(kernel().pid, 'SIGKILL')
    }
    await until('it is backing off', () => kernel().state === 'backing-off')
    expect(kernel()).toMatchObject({ pid: 0, incarnation: 2, children: [] })
    await outer.evaluate(`await app.terminateChild('kernel')`)
    await until('it is stopped', () => kernel().state === 'stopped')
    await outer.evaluate(`await app.restartChild('kernel'); undefined`)
    await until('it is up', () => kernel().state === 'idle')
    expect(kernel().incarnation).toBe(3)
  })

  test('nothing of a host that has died remains, be it killed or restarted by its supervisor', async () => {
    await using app = await supervise({
      name: 'top',
      children: [{ id: 'outer', worker: { stdout: 'ignore', stderr: 'ignore' } }],
    })
    const outer = app.worker('outer')
    await outer.evaluate(twoLevels)
    const first = outer.current!
    await becomes(first, wholeBelow)
    const below = all(first.children).flatMap(({ pid }) => (pid === 0 ? [] : [pid]))
    expect(below).toHaveLength(4)
    // The host in the middle: its supervisor starts it again, empty.
    process.kill(at(first, 'top/outer/upper/host').pid, 'SIGKILL')
    await until('it is there again', () => at(first, 'top/outer/upper/host').incarnation === 2)
    await becomes(first, 'upper:supervisor up [host:worker idle]')
    await Promise.all(below.map((pid) => waitUntilGone(pid)))
    process.kill(outer.pid!, 'SIGKILL')
    await until('it is there again', () => outer.incarnation === 2 && outer.pid !== undefined)
    expect(first.children).toEqual([])
    expect(outer.current!.children).toEqual([])
    expect(app.tree().children).toMatchObject([{ path: 'top/outer', incarnation: 2, children: [] }])
  })
})

describe('events of supervisors and pools in a worker in a worker', () => {
  test('arrive outside with their paths: restarts, backing off, crash reports, giving up, escalation', async () => {
    await using outer = await quietWorker({ name: 'outer' })
    await outer.evaluate(twoLevels)
    await becomes(outer, wholeBelow)
    const place = 'outer/upper/host/app'
    using recorded = recordEvents({ path: 'outer/upper/host' })
    const kernel = (): WorkerTree => at(outer, `${place}/kernel`)
    const dead = kernel().pid
    process.kill(dead, 'SIGKILL')
    const isBack = (): boolean => kernel().state === 'idle' && kernel().incarnation === 2
    await until('it is back', isBack)
    await until('that is told', () => ofType(recorded.events, 'supervisor.state').length === 2)
    const types = recorded.events.map(({ type, path }) => `${type} ${path}`)
    expect(types).toEqual([
      `worker.state ${place}/kernel`,
      `worker.exited ${place}/kernel`,
      `worker.crashed ${place}/kernel`,
      `supervisor.state ${place}`,
      `supervisor.childTerminated ${place}`,
      `worker.spawned ${place}/kernel`,
      `worker.state ${place}/kernel`,
      `worker.ready ${place}/kernel`,
      `supervisor.progress ${place}`,
      `supervisor.state ${place}`,
    ])
    expect(ofType(recorded.events, 'supervisor.childTerminated')).toMatchObject([
      {
        child: { id: 'kernel', path: `${place}/kernel`, kind: 'worker', pid: dead, restart: 'permanent' },
        reason: { type: 'signal', signal: 'SIGKILL' },
        outcome: 'restarted',
        budget: { used: 1, maxRestarts: 1 },
      },
    ])
    expect(ofType(recorded.events, 'worker.crashed')).toMatchObject([
      { pid: dead, report: { reason: { signal: 'SIGKILL' }, inFlightCount: 0 } },
    ])
    const seqs = recorded.events.map(({ seq }) => seq)
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b))
    // One more is too many.
    process.kill(kernel().pid, 'SIGKILL')
    await becomes(outer, 'upper:supervisor up [host:worker idle]')
    await until('it is told', () => ofType(recorded.events, 'supervisor.escalated').length > 0)
    expect(ofType(recorded.events, 'supervisor.gaveUp')).toMatchObject([
      { path: place, child: { path: `${place}/kernel` }, budget: { maxRestarts: 1 } },
    ])
    expect(ofType(recorded.events, 'supervisor.shutdown')).toMatchObject([
      { path: place, because: 'reachedMaxRestarts' },
      { path: `${place}/jobs`, because: 'stop' },
    ])
    // That of the top supervisor over there, whose place is that of its worker.
    const [escalated] = ofType(recorded.events, 'supervisor.escalated')
    expect(escalated).toMatchObject({
      path: 'outer/upper/host',
      child: { path: place, kind: 'supervisor' },
      reason: { type: 'escalated' },
    })
    expect(String(escalated!.reason.cause)).toContain(`${place}/kernel`)
  })

  test('a back-off and a start that failed are told as well', async () => {
    await using outer = await quietWorker({ name: 'outer' })
    using recorded = recordEvents({ path: 'outer/app' })
    await outer.evaluate(`
      const { supervise } = await import('maltster')
      const quiet = { stdout: 'ignore', stderr: 'ignore' }
      globalThis.app = await supervise({ name: 'app', maxRestarts: 9, periodMs: 60_000, backoff: { minMs: 10, jitter: 0 } })
      globalThis.failed = app.startChild({
        id: 'bad', worker: quiet, init: () => { throw Object.assign(new Error('not today'), { fn() {} }) },
      }).catch((error) => error.message)
      await failed
      await app.startChild({ id: 'kernel', worker: quiet })
      undefined`)
    await until('it is told', () => ofType(recorded.events, 'supervisor.startError').length > 0)
    const [failed] = ofType(recorded.events, 'supervisor.startError')
    expect(failed!.error).toBeInstanceOf(Error)
    expect(failed!.error.message).toContain('not today')
    expect(failed!.child.path).toBe('outer/app/bad')
    for (const incarnation of [1, 2]) {
      const kernel = (): WorkerTree | undefined => at(outer, 'outer/app/kernel')
      await until('it is up', () => kernel()?.state === 'idle' && kernel()?.incarnation === incarnation)
      process.kill(kernel()!.pid, 'SIGKILL')
    }
    await until('it is told', () => ofType(recorded.events, 'supervisor.backoff').length > 0)
    expect(ofType(recorded.events, 'supervisor.backoff')).toMatchObject([
      { path: 'outer/app', child: { path: 'outer/app/kernel' }, delayMs: 10, attempt: 2 },
    ])
  })
})
