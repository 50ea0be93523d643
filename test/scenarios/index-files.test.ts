import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { differences, fingerprint } from '../../examples/01-index-files/compare.mjs'
import { Crew } from '../../examples/01-index-files/crew.mjs'
import { inBatches, listTextFiles } from '../../examples/01-index-files/files.mjs'
import { indexAll, type WordIndex } from '../../examples/01-index-files/indexing.mjs'
import { Ledger } from '../../examples/01-index-files/ledger.mjs'
import { root, temporaryTree } from '../rules/temporary-tree.ts'
import { useLeakCheck } from '../support/leak-check.ts'

useLeakCheck()

const folder = join(root, 'node_modules/xstate')
const files = listTextFiles(folder)
const batches = inBatches(files, 4)
const alone = (): WordIndex => indexAll(files.map(({ path }) => path))

describe('the example that indexes files', () => {
  test('has something to index', () => {
    expect(batches.length).toBeGreaterThan(20)
    expect(batches.flatMap(({ paths }) => paths)).toEqual(files.map(({ path }) => path))
    expect(alone().get('actor')?.files).toBeGreaterThan(10)
  })

  test('gives what one process gives, though a worker is killed and one is caught in an endless loop', async () => {
    const trapBatch = Math.floor(batches.length / 2)
    const progress: number[] = []
    const crew = new Crew({
      batches,
      workerCount: 2,
      killAtBatch: 5,
      trapBatch,
      onProgress: (done) => progress.push(done),
    })
    const index = await crew.run()
    expect(differences(index, alone())).toEqual([])
    expect(fingerprint(index)).toBe(fingerprint(alone()))
    expect(progress.at(-1)).toBe(batches.length)

    const { deaths, restarts, interrupts, batchesRun, tree } = crew.figures
    expect(deaths).toMatchObject([{ reason: { type: 'signal', signal: 'SIGKILL', exitCode: null } }])
    expect(deaths[0]?.lostBatches).toBeGreaterThan(0)
    const { worker } = deaths[0]!
    expect(restarts).toMatchObject([
      { path: `indexing/indexers/${worker}`, outcome: 'restarted', budget: { used: 1, maxRestarts: 10 } },
    ])
    const members = [1, 2].map((number) => ({
      path: `indexing/indexers/worker-${number}`,
      state: 'up',
      incarnation: worker === `worker-${number}` ? 2 : 1,
    }))
    expect(tree).toMatchObject({
      path: 'indexing',
      kind: 'supervisor',
      children: [{ path: 'indexing/indexers', kind: 'pool', children: members }],
    })
    expect(batchesRun).toBeGreaterThan(batches.length)
    expect(interrupts.find(({ batch }) => batch === trapBatch)).toMatchObject({
      result: { outcome: 'interrupted', at: expect.stringContaining('searchForEver') },
      stateIsKept: true,
    })
  })

  test('loses nothing when a worker is killed after all is done and before it is handed in', async () => {
    let toKill = 1
    const crew = new Crew({
      batches,
      workerCount: 2,
      beforeHandIn: ([worker]) => {
        if (toKill-- > 0) process.kill(worker?.pid ?? NaN, 'SIGKILL')
      },
    })
    expect(differences(await crew.run(), alone())).toEqual([])
    expect(crew.figures.deaths).toMatchObject([{ worker: 'worker-1', reason: { signal: 'SIGKILL' } }])
    expect(crew.figures.batchesRun).toBe(batches.length + (crew.figures.deaths[0]?.lostBatches ?? NaN))
  })

  test('leaves no process when a batch fails', async () => {
    const missing = { number: batches.length, paths: [join(folder, 'not-there.js')] }
    const crew = new Crew({ batches: [...batches, missing], workerCount: 2 })
    await expect(crew.run()).rejects.toMatchObject({
      code: 'ERR_MALTSTER_REMOTE',
      properties: { code: 'ENOENT' },
    })
  })

  test('ends as a program with exit code 0 and a line of figures', async () => {
    const main = join(root, 'examples/01-index-files/main.mjs')
    const { stdout } = await promisify(execFile)(process.execPath, [
      main,
      '--folder',
      folder,
      '--workers',
      '2',
    ])
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(
      new RegExp(
        `^ok: ${files.length} files, [\\d,]+ words, equal to one process; 1 death, 1 restart, \\d interrupts?, `,
      ),
    )
  })

  test('ends with exit code 1 when it did not do what it is there to show', async () => {
    const main = join(root, 'examples/01-index-files/main.mjs')
    const run = promisify(execFile)(process.execPath, [main, '--folder', temporaryTree({})])
    await expect(run).rejects.toMatchObject({ code: 1, stdout: expect.stringMatching(/^FAILED: 0 files/m) })
  })
})

describe('differences() and fingerprint()', () => {
  const index = (entries: Record<string, [number, number]>): WordIndex =>
    new Map(
      Object.entries(entries).map(([word, [count, occurrences]]) => [word, { files: count, occurrences }]),
    )
  const right = index({ a: [1, 2], b: [3, 4] })

  test('find nothing in equal ones, whatever their order', () => {
    const other = index({ b: [3, 4], a: [1, 2] })
    expect(differences(other, right)).toEqual([])
    expect(fingerprint(other)).toBe(fingerprint(right))
  })

  test.each([
    ['a missing word', index({ a: [1, 2] }), '"b" is missing'],
    ['a batch counted twice', index({ a: [2, 4], b: [3, 4] }), '"a" is in 2 files, and should be in 1'],
    ['a wrong number', index({ a: [1, 2], b: [3, 5] }), '"b" occurs 5 times, and should 4 times'],
    ['a word too many', index({ a: [1, 2], b: [3, 4], c: [1, 1] }), '"c" should not be there'],
  ])('notice %s', (_, wrong, difference) => {
    expect(differences(wrong, right)).toEqual([difference])
    expect(fingerprint(wrong)).not.toBe(fingerprint(right))
  })
})

describe('Ledger', () => {
  const [first, second] = [
    { number: 0, paths: ['a'] },
    { number: 1, paths: ['b'] },
  ]

  test('gives each batch once, and again after it came back or its holder died', () => {
    const ledger = new Ledger([first, second])
    expect([ledger.take(), ledger.take(), ledger.take()]).toEqual([first, second, undefined])
    ledger.hold(first, 'w')
    ledger.giveBack(second)
    expect(ledger.heldBy('w')).toEqual([0])
    expect(ledger.isComplete).toBe(false)
    expect(ledger.take()).toBe(second)
    ledger.hold(second, 'v')
    expect(ledger.isComplete).toBe(true)
    expect(ledger.lose('w')).toEqual([first])
    expect(ledger.isComplete).toBe(false)
    expect(ledger.heldBy('w')).toEqual([])
    expect(ledger.take()).toBe(first)
  })

  test('tells of a change', async () => {
    const ledger = new Ledger([first, second])
    const changed = ledger.changed()
    ledger.hold(first, 'w')
    await expect(changed).resolves.toBeDefined()
  })
})
