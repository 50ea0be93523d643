import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'

const program = resolve(import.meta.dirname, '../../benchmarks/bench.mjs')
const tiny = ['--rounds', '1', '--sample-ms', '20', '--mib', '1']

interface Ended {
  readonly exitCode: number | null
  readonly lines: string[]
  readonly stderr: string
}

async function bench(...args: string[]): Promise<Ended> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'exit') as Promise<[number | null]>
  const [stdout, stderr, [exitCode]] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  return { exitCode, lines: stdout.trimEnd().split('\n'), stderr }
}

const figuresOf = (line: string | undefined): number[] =>
  (line ?? '')
    .split(/ {2,}/)
    .filter((cell) => /^[\d,.]+$/.test(cell))
    .map((cell) => Number(cell.replaceAll(',', '')))

describe('npm run bench', () => {
  test('measures every row beside fork and a raw socket, and ends with one line of figures', async () => {
    const { exitCode, lines, stderr } = await bench(...tiny, '--no-aim')
    expect({ exitCode, failure: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, failure: '' })
    expect(lines[0]).toContain(`node ${process.version}`)
    const labels = [
      'cold start',
      'call p50',
      'call p99',
      '64 in flight',
      '1 MiB as argument',
      '1 MiB as result',
    ]
    for (const label of process.platform === 'linux'
      ? [...labels, 'cpu a call', 'RSS', 'PSS', 'its own']
      : labels) {
      const figures = figuresOf(lines.find((line) => line.startsWith('  ') && line.includes(label)))
      // Three peers, two ratios, and where it can be the bare process with its own.
      expect({ label, rest: figures.length >= 5 && figures.every((value) => value >= 0) }).toEqual({
        label,
        rest: true,
      })
    }
    expect(lines.at(-1)).toMatch(
      /^bench, one cpu: 64 in flight [\d,]+\/s = [\d.]+× fork \(no aim\), .* MiB RSS$/,
    )
  }, 120_000)

  test('fails when the aim is missed, and says so', async () => {
    const { exitCode, lines } = await bench('in-flight', ...tiny, '--aim', '1000')
    expect(exitCode).toBe(1)
    expect(lines.at(-1)).toContain('(aim 1000× MISSED)')
  }, 60_000)

  test('refuses arguments that it does not know', async () => {
    for (const args of [['--quik'], ['cold'], ['--aim', 'high']]) {
      const { exitCode, stderr } = await bench(...args)
      expect({ args, exitCode, usage: stderr.includes('usage: npm run bench') }).toEqual({
        args,
        exitCode: 2,
        usage: true,
      })
    }
  })
})
