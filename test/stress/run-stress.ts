import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { text } from 'node:stream/consumers'

/** How a stress program ended, and the one line with its figures. */
export interface StressEnd {
  readonly exitCode: number | null
  readonly lastLine: string
  readonly output: string
}

/** Runs `stress/<name>.mjs` as its npm script does. */
export async function runStress(name: string, ...options: string[]): Promise<StressEnd> {
  const file = resolve(import.meta.dirname, '../../stress', `${name}.mjs`)
  const child = spawn(process.execPath, [file, ...options], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  const lastLine = stdout.trimEnd().split('\n').at(-1) ?? ''
  return { exitCode: child.exitCode, lastLine, output: `${stdout}${stderr}` }
}
