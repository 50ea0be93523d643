import { spawnSync } from 'node:child_process'
import { dirname } from 'node:path'

/** What a program of its own says in its last line, as JSON. */
export function report(file: string, flags: readonly string[] = [], args: readonly string[] = []): unknown {
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, file, ...args], {
    encoding: 'utf8',
    timeout: 60_000,
    // A loader of TypeScript looks for its configuration there.
    cwd: dirname(file),
  })
  const line = stdout.trim().split('\n').at(-1) ?? ''
  if (!/^[{[]/.test(line)) throw new Error(`no report from ${file}: ${stdout}${stderr}`)
  return JSON.parse(line)
}
