import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import { descendants, parseStat, processState, waitUntilGone } from '../support/processes.ts'

const forever = 'setInterval(() => {}, 1000); process.stdout.write("up")'
const started: ChildProcess[] = []

async function start(source: string, ...args: string[]): Promise<ChildProcess & { pid: number }> {
  const child = spawn(process.execPath, ['-e', source, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  started.push(child)
  if (child.stdout === null || child.pid === undefined) throw new Error('no child')
  await once(child.stdout, 'data')
  return child as ChildProcess & { pid: number }
}

afterEach(async () => {
  for (const child of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
})

describe('parseStat()', () => {
  test('reads a name with parentheses, spaces and a line end', () => {
    expect(parseStat('12 (a) R (b \n) Z 7 8 9 0')).toEqual({
      pid: 12,
      command: 'a) R (b \n',
      state: 'zombie',
      parent: 7,
      group: 8,
    })
  })
})

describe('processState()', () => {
  test('tells running, stopped and gone apart', async () => {
    const child = await start(forever)
    expect(processState(child.pid)).toBe('running')
    child.kill('SIGSTOP')
    await expect.poll(() => processState(child.pid)).toBe('stopped')
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(processState(child.pid)).toBe('gone')
  })

  test('tells a zombie from a running process', async () => {
    const parent = await start(
      `const { spawn } = require('child_process')
       process.stdout.write(String(spawn(process.execPath, ['-e', '']).pid))
       for (;;) {}`,
    )
    await expect.poll(() => descendants(parent.pid).map((info) => info.state)).toEqual(['zombie'])
  })
})

describe('descendants()', () => {
  test('finds children and grandchildren', async () => {
    const child = await start(
      `const { spawn } = require('child_process')
       spawn(process.execPath, ['-e', ${JSON.stringify(forever)}], { stdio: ['ignore', 'inherit', 'inherit'] })
       setInterval(() => {}, 1000)`,
    )
    const [grandchild] = descendants(child.pid)
    expect(grandchild?.parent).toBe(child.pid)
    expect(descendants(process.pid).map((info) => info.pid)).toEqual(
      expect.arrayContaining([child.pid, grandchild?.pid]),
    )
    process.kill(grandchild?.pid ?? 0, 'SIGKILL')
  })
})

describe('waitUntilGone()', () => {
  test('resolves when the process has been killed', async () => {
    const child = await start(forever)
    child.kill('SIGKILL')
    await waitUntilGone(child.pid, 5000)
    expect(['gone', 'zombie']).toContain(processState(child.pid))
  })

  test('rejects, naming the process, while it still runs', async () => {
    const child = await start(forever)
    await expect(waitUntilGone(child.pid, 0)).rejects.toThrow(`process ${child.pid} (node)`)
  })
})
