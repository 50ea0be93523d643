import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import {
  type Capability,
  capabilitiesOf,
  filesOf,
  type WorkerKind,
  workerKinds,
} from '../support/worker-kinds.ts'

const root = resolve(import.meta.dirname, '../..')
const textOf = (file: string): string => readFileSync(resolve(root, file), 'utf8')
const allFiles = [...new Set(workerKinds.flatMap(filesOf))]

/** How often a text has tests, and which of them need what. */
function testsOf(file: string): { always: number; needs: Capability[][] } {
  const text = textOf(file)
  const needs = [...text.matchAll(/^ *whereItCan\(([^)]*)\)/gm)].map(([, list = '']) =>
    [...list.matchAll(/'([\w-]+)'/g)].map(([, name]) => name as Capability),
  )
  return { always: [...text.matchAll(/^ *test(?:\.each)?\(/gm)].length, needs }
}

/** How many tests are run with a kind, and how many each missing capability leaves out. */
function row(kind: WorkerKind): Record<string, number> {
  const counts: Record<string, number> = { run: 0 }
  const add = (what: string, more: number): void => void (counts[what] = (counts[what] ?? 0) + more)
  for (const file of allFiles) {
    const { always, needs } = testsOf(file)
    if (!filesOf(kind).includes(file)) {
      add('not listed', always + needs.length)
      continue
    }
    add('run', always)
    for (const need of needs) {
      const missing = need.find((capability) => !capabilitiesOf[kind].includes(capability))
      add(missing === undefined ? 'run' : `needs ${missing}`, 1)
    }
  }
  return counts
}

const table = Object.fromEntries(workerKinds.map((kind) => [kind, row(kind)]))

test('the worker suite, by kind: what is run, and what a missing capability leaves out', () => {
  console.table(table)
  for (const kind of ['pipe', 'uds', 'tcp'] as const) {
    // These are all processes that the host starts: they differ in nothing but their sockets.
    const left = Object.keys(table[kind]!).filter((what) => what !== 'run' && what !== 'not listed')
    expect(left.filter((what) => !/^needs (network|file|reset)$/.test(what))).toEqual([])
  }
  expect(
    Object.keys(table['command']!).filter((what) => /^needs (process|interrupt|stdio)$/.test(what)),
  ).toEqual([])
  for (const kind of workerKinds) expect(table[kind]!['run'], kind).toBeGreaterThan(50)
})

test('every file of the worker suite is there, and gets its workers by their kind', () => {
  for (const file of allFiles) {
    expect(existsSync(resolve(root, file)), file).toBe(true)
    expect(textOf(file), file).toMatch(
      /from '(?:\.{1,2}\/)+(?:(?:scenarios\/)?workers|support\/test-pool)\.ts'/,
    )
  }
})

test('no kind can do more than it says, and none is without a test of its own', () => {
  for (const kind of workerKinds) expect(filesOf(kind).length, kind).toBeGreaterThan(5)
  const needed = new Set(allFiles.flatMap((file) => testsOf(file).needs.flat()))
  const known = new Set(Object.values(capabilitiesOf).flat())
  expect([...needed].filter((capability) => !known.has(capability))).toEqual([])
})
