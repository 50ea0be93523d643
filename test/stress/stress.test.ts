import { describe, expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { hasProcFs } from '../support/processes.ts'
import { runStress } from './run-stress.ts'

useLeakCheck()

/** Programs that start many processes, on a machine that may be busy. */
const timeoutMs = 120_000

describe('stress:interrupt', { timeout: timeoutMs }, () => {
  test('a few seconds of every kind end with nothing wrong', async () => {
    const only =
      'loop,tryFinally,atomicsWait,regex,afterAwait,promiseRing,tickRing,timer,messagePort,never,shortLoop'
    const { exitCode, lastLine, output } = await runStress(
      'interrupt',
      '--seconds',
      '4',
      '--seed',
      '1',
      '--only',
      only,
    )
    expect(output).toContain('seed 1, 11 ways to hang')
    expect(lastLine, output).toMatch(
      /^ok: \d+ interrupts over \d+ ways: .* 0 died \(0 without a reason\), 0 wrong; /,
    )
    expect(exitCode).toBe(0)
  })

  test('a worker that is not as it was fails it', async () => {
    const short = ['--seconds', '1', '--workers', '1', '--only', 'loop']
    const { exitCode, lastLine, output } = await runStress('interrupt', ...short, '--sabotage', 'counter')
    expect(output).toMatch(/the counter is \d+ instead of \d+/)
    expect(lastLine).toMatch(/^FAILED: .* [1-9]\d* wrong; /)
    expect(exitCode).toBe(1)
  })

  test('a worker that can not be freed fails it', async () => {
    const short = ['--seconds', '3', '--workers', '2', '--only', 'execSync', '--seed', '1']
    const { exitCode, lastLine, output } = await runStress('interrupt', ...short)
    expect(lastLine, output).toMatch(/^FAILED: .* [2-9] stuck, 0 died .* 0 wrong; /)
    expect(exitCode).toBe(1)
  })

  test('a way to hang that there is not is refused', async () => {
    const { exitCode, output } = await runStress('interrupt', '--only', 'loop,knot')
    expect(output).toContain('--only does not know knot; there are loop, ')
    expect(exitCode).toBe(2)
  })
})

describe.runIf(hasProcFs)('stress:orphans', { timeout: timeoutMs }, () => {
  test('a few hosts leave nothing', async () => {
    const states = ['--states', 'booting,idle,busy,printing,sleepChild,nested,execSync,suspended']
    const { exitCode, lastLine, output } = await runStress(
      'orphans',
      '--rounds',
      '5',
      '--seed',
      '1',
      '--within-ms',
      '20000',
      ...states,
    )
    expect(lastLine, output).toMatch(
      /^ok: 5 hosts, \d+ processes: 0 survivors after 20000 ms, 0 other faults, /,
    )
    expect(exitCode).toBe(0)
  })

  test('a process that escapes fails it, and is ended', async () => {
    const one = ['--rounds', '1', '--states', 'idle', '--endings', 'SIGKILL', '--within-ms', '2500']
    const { exitCode, lastLine, output } = await runStress('orphans', ...one, '--sabotage', 'escape')
    expect(output).toMatch(/survivor \d+ \(S\): sleep 60/)
    expect(lastLine).toMatch(/^FAILED: 1 hosts, \d+ processes: 1 survivors /)
    expect(exitCode).toBe(1)
  })
})

describe.runIf(hasProcFs)('stress:churn', { timeout: timeoutMs }, () => {
  test('a few starts and ends leave nothing', async () => {
    const { exitCode, lastLine, output } = await runStress('churn', '--rounds', '6')
    expect(lastLine, output).toMatch(/^ok: 6 stopped and 6 killed, 0 kinds of things left, 0 wrong ends; /)
    expect(exitCode).toBe(0)
  })

  test('a process that is left fails it', async () => {
    const { exitCode, lastLine, output } = await runStress('churn', '--rounds', '1', '--sabotage', 'process')
    expect(output).toContain('LEFT processes: 0 before, 1 now')
    expect(lastLine).toMatch(/^FAILED: 1 stopped and 1 killed, 1 kinds of things left, /)
    expect(exitCode).toBe(1)
  })
})

describe.runIf(hasProcFs)('stress:pool', { timeout: timeoutMs }, () => {
  const short = ['--calls', '200', '--seconds', '4', '--workers', '3', '--kills', '3']

  test('a few seconds of calls and kills lose, double and confuse nothing', async () => {
    const { exitCode, lastLine, output } = await runStress('pool', ...short)
    expect(lastLine, output).toMatch(
      /^ok: \d+ calls in .*, [1-9]\d* kills; 0 lost, 0 doubled, 0 wrong, 0 kinds of things left; .* 3 of 3 members/,
    )
    expect(exitCode).toBe(0)
  })

  test('a call that has run twice, and one that is wrong, fail it', async () => {
    const quick = ['--calls', '30', '--seconds', '0', '--workers', '2', '--kills', '0']
    for (const [sabotage, word] of [
      ['double', 'doubled'],
      ['wrong', 'wrong'],
    ] as const) {
      const { exitCode, lastLine, output } = await runStress('pool', ...quick, '--sabotage', sabotage)
      expect(lastLine, output).toMatch(new RegExp(`^FAILED: .* 1 ${word}`))
      expect(exitCode).toBe(1)
    }
  })
})
