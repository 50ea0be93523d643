import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { launcherWays, prepareLaunchers, removeLaunchers } from '../support/launchers.ts'
import { useLeakCheck } from '../support/leak-check.ts'
import { descendants, processState, waitUntilGone } from '../support/processes.ts'

beforeAll(prepareLaunchers)
afterAll(removeLaunchers)
useLeakCheck()

const program = fileURLToPath(new URL('../fixtures/worker/host-with-launcher.mjs', import.meta.url))

/** A host, and every process that it or the ssh server has started, but for the host. */
async function startHost(prefix: readonly string[], options: object) {
  const before = descendants(process.pid).map(({ pid }) => pid)
  const host = spawn(process.execPath, [program, JSON.stringify([prefix, options])], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exited = once(host, 'close')
  const lines = createInterface(host.stdout)
  await once(lines, 'line')
  const pids = descendants(process.pid)
    .map(({ pid }) => pid)
    .filter((pid) => !before.includes(pid) && pid !== host.pid)
  expect(pids.length).toBeGreaterThanOrEqual(2)
  // What outlives its host is nobody's child: the leak check would not see it.
  onTestFinished(() => pids.forEach(end))
  return { host, lines, exited, pids }
}

function end(pid: number): void {
  if (['running', 'stopped'].includes(processState(pid))) process.kill(pid, 'SIGKILL')
}

async function expectGone(pids: readonly number[]): Promise<void> {
  await Promise.all(pids.map((pid) => waitUntilGone(pid)))
}

for (const { name, prefix, options, obstacle } of launcherWays) {
  test.runIf(obstacle === undefined)(
    `a host that is killed takes all with it, idle and busy, through ${name}`,
    async () => {
      const { host, exited, pids } = await startHost(prefix(), options)
      host.kill('SIGKILL')
      await exited
      await expectGone(pids)
    },
  )
}

test('a host that is killed takes a relay with it that is frozen', async () => {
  const { host, exited, pids } = await startHost(['setpriv', '--no-new-privs'], {})
  for (const pid of pids) process.kill(pid, 'SIGSTOP')
  host.kill('SIGKILL')
  await exited
  await expectGone(pids)
})

test('a host that is frozen loses nothing', async () => {
  const { host, lines, exited, pids } = await startHost(['setpriv', '--no-new-privs'], {})
  host.kill('SIGSTOP')
  // Nothing is to happen, so there is nothing to wait for but time.
  await new Promise((resolve) => setTimeout(resolve, 1000))
  expect(pids.map(processState)).toEqual(pids.map(() => 'running'))
  host.kill('SIGCONT')
  host.stdin.write('call\n')
  expect(await once(lines, 'line')).toEqual(['42'])
  host.kill('SIGTERM')
  await exited
  await expectGone(pids)
})

for (const { name, prefix, options, obstacle } of launcherWays) {
  test.runIf(obstacle === undefined)(`an idle worker does not hold its host, through ${name}`, async () => {
    const { host, exited, pids } = await startHost(prefix(), options)
    host.stdin.write('end\n')
    expect(await exited).toEqual([0, null])
    await expectGone(pids)
  })
}
