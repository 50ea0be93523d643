import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

test('where the inspector is denied, `captures` serves, and all else is refused with that reason', () => {
  const program = `
    import { spawnWorker } from 'maltster'
    const worker = await spawnWorker()
    const x = 5
    const given = await worker.call(() => x, [], { captures: { x } })
    const { name, why, hint } = await worker.call(() => x).catch((error) => error)
    await worker.stop()
    console.log(JSON.stringify({ given, name, why, hint }))`
  const flag = process.allowedNodeEnvironmentFlags.has('--permission')
    ? '--permission'
    : '--experimental-permission'
  const flags = [flag, '--allow-fs-read=*', '--allow-fs-write=*', '--allow-child-process', '--allow-worker']
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, '--input-type=module', '-e', program], {
    cwd: join(import.meta.dirname, '../..'),
    encoding: 'utf8',
    timeout: 30_000,
  })
  expect(stdout, stderr).toMatch(/^\{/)
  const { given, name, why, hint } = JSON.parse(stdout) as Record<string, unknown>
  expect([given, name]).toEqual([5, 'CaptureError'])
  expect(why).toContain('may not use its inspector')
  expect(hint).toContain('`captures: { x }`')
})
