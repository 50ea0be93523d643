import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { leakCheck, useLeakCheck } from '../support/leak-check.ts'
import { processState } from '../support/processes.ts'

useLeakCheck()

function startChild(): ReturnType<typeof spawn> {
  return spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
}

describe('leakCheck()', () => {
  test('resolves when nothing was left', async () => {
    const expectNoLeaks = leakCheck()
    const child = startChild()
    child.kill('SIGKILL')
    await expectNoLeaks()
    expect(child.signalCode).toBe('SIGKILL')
  })

  test('reports a child that still runs, and kills it', async () => {
    const expectNoLeaks = leakCheck(100)
    const child = startChild()
    const exited = once(child, 'exit')
    await expect(expectNoLeaks()).rejects.toThrow(`process ${child.pid} (node)`)
    await exited
    expect(processState(child.pid ?? 0)).toBe('gone')
  })

  test('reports an open descriptor', async () => {
    const expectNoLeaks = leakCheck(100)
    const fd = openSync('/dev/zero', 'r')
    await expect(expectNoLeaks()).rejects.toThrow(`descriptor ${fd} (/dev/zero)`)
    closeSync(fd)
    await expectNoLeaks()
  })

  test('reports a timer', async () => {
    const expectNoLeaks = leakCheck(100)
    const timer = setTimeout(() => undefined, 1_000_000)
    await expect(expectNoLeaks()).rejects.toThrow(/timer \d+ of 1000000 ms, set .*leak-check\.test/)
    clearTimeout(timer)
    await expectNoLeaks()
  })

  test('lets timers be that have fired or do not hold the loop', async () => {
    const expectNoLeaks = leakCheck()
    await new Promise((resolve) => setTimeout(resolve, 0))
    const timer = setTimeout(() => undefined, 1_000_000).unref()
    await expectNoLeaks()
    expect(timer.hasRef()).toBe(false)
    clearTimeout(timer)
  })

  test('reports a server that listens, with its descriptor', async () => {
    const expectNoLeaks = leakCheck(100)
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    await expect(expectNoLeaks()).rejects.toThrow(/descriptor \d+ \(socket:.*active TCPServerWrap/s)
    server.close()
    await expectNoLeaks()
  })

  test('reports what has our name in the temporary directory', async () => {
    const expectNoLeaks = leakCheck(100)
    const folder = join(tmpdir(), 'maltster-left')
    mkdirSync(folder)
    await expect(expectNoLeaks()).rejects.toThrow('file maltster-left in the temporary directory')
    rmSync(folder, { recursive: true })
    await expectNoLeaks()
  })
})
