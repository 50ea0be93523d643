import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import model from '../../diagrams/worker.json' with { type: 'json' }
import { useLeakCheck } from '../support/leak-check.ts'
import { LifeDriver } from './life-driver.ts'
import { type LifePath, lifePaths, transitionsOf } from './life-paths.ts'

const directory = mkdtempSync(join(tmpdir(), 'maltster-life-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const paths = lifePaths()
const driven: LifePath[] = []
const titleOf = (path: LifePath): string =>
  path.map(({ event }) => event.type.replace(/^xstate\.after\.([^.]+)\..*/, 'after $1')).join(', ')

describe('a real worker lives every simple path of its machine', () => {
  useLeakCheck()

  it.each(paths.map((path, index) => ({ path, index, title: titleOf(path) })))(
    '$index: $title',
    async ({ path, index }) => {
      const driver = new LifeDriver(path, directory, index)
      await driver.run()
      expect(driver.history).toEqual(['booting', ...path.map(({ state }) => state)])
      driven.push(path)
    },
  )
})

afterAll(() => {
  const exercised = transitionsOf(driven)
  console.log(`transitions exercised with real processes: ${exercised.size} of ${transitionsOf(paths).size}`)
  console.log([...exercised].toSorted().join('\n'))
})

describe('the paths', () => {
  it('enter every state of the machine', () => {
    const entered = new Set(paths.flat().map(({ state }) => state))
    const leaves = model.states
      .filter(({ kind }) => kind !== 'compound')
      .map(({ id }) => id.replace(/^worker\./, ''))
      .filter((id) => id !== 'booting')
    expect([...entered].toSorted()).toEqual(leaves.toSorted())
  })

  it('take every transition of the machine, the root and its exits included', () => {
    const taken = new Set(
      paths.flat().map(({ event }) => event.type.replace(/^xstate\.after\.([^.]+)\..*/, 'after $1')),
    )
    expect([...taken].toSorted()).toEqual(
      [...new Set(model.transitions.map(({ event }) => event))].toSorted(),
    )
  })
})
