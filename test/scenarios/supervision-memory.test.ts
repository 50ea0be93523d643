import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'

useLeakCheck()

const program = fileURLToPath(new URL('../fixtures/supervision/forgotten.mjs', import.meta.url))

test.each(['crash', 'exit', 'stop', 'failed start'])(
  '12: nothing of a temporary child is kept after its %s, neither what it was made of nor what it was given',
  async (way) => {
    const flags = ['--no-warnings', '--expose-gc']
    const host = spawn(process.execPath, [...flags, program, way, '6'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [said, [exitCode]] = await Promise.all([text(host.stdout), once(host, 'close')])
    expect(exitCode).toBe(0)
    expect(JSON.parse(said)).toEqual({
      given: 30,
      held: 0,
      // The supervisor and the one child that lives.
      alive: { Child: 2, Incarnation: 1 },
    })
  },
  60_000,
)
