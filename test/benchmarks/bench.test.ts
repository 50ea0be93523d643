import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, test, vi } from 'vitest'

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

/** The rows of all tables, and how many figures each has. */
function rowsOf(lines: readonly string[]): Map<string, number> {
  const rows = lines.filter((line) => line.startsWith('  ')).map((line) => line.trim().split(/ {2,}/))
  return new Map(
    rows.map(([label = '', ...cells]) => [label, cells.filter((cell) => /^[\d,.]+$/.test(cell)).length]),
  )
}

// Three peers and two ratios; with the bare process one more of each.
const everywhere = {
  'cold start, ms': 7,
  'sequential call p50, µs': 5,
  'sequential call p99, µs': 5,
  '64 in flight, calls/s': 5,
  '1 MiB as argument, GB/s': 5,
  '1 MiB as result, GB/s': 5,
}
const fromProc = {
  'µs of cpu a call, both ends': 5,
  'memory, RSS, MiB': 7,
  'memory, PSS, MiB': 7,
  'memory, its own, MiB': 7,
}

describe('npm run bench', () => {
  test('measures every row beside fork and a raw socket, and ends with one line of figures', async () => {
    const { exitCode, lines, stderr } = await bench(...tiny, '--no-aim')
    expect({ exitCode, failure: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, failure: '' })
    expect(lines[0]).toContain(`node ${process.version}`)
    expect(Object.fromEntries(rowsOf(lines))).toEqual(
      process.platform === 'linux' ? { ...everywhere, ...fromProc } : everywhere,
    )
    expect(lines.at(-1)).toMatch(
      /^bench, one cpu: 64 in flight [\d,]+\/s = [\d.]+× fork \(no aim\), .* MiB RSS$/,
    )
  }, 120_000)

  test('measures what streams carry, and ends with one line of figures', async () => {
    const { exitCode, lines, stderr } = await bench('flow', '--quick', '--no-aim')
    expect({ exitCode, failure: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, failure: '' })
    expect(lines.at(-1)).toMatch(/^bench flow: items [\d.]+× calls, binary [\d.]+× raw \(no aim\)$/)
  }, 120_000)

  test('fails when the aim is missed, and says so', async () => {
    const { exitCode, lines } = await bench('in-flight', ...tiny, '--aim', '1000')
    expect(exitCode).toBe(1)
    expect(lines.at(-1)).toContain('(aim 1000× MISSED)')
  }, 60_000)

  test('measures what it costs to capture, and says that a peer is missing where it is', async () => {
    vi.stubEnv('XDG_CACHE_HOME', process.env['TMPDIR'])
    const { exitCode, lines, stderr } = await bench('capture', '--rounds', '40')
    vi.unstubAllEnvs()
    expect({ exitCode, failure: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, failure: '' })
    expect(lines.join('\n')).toMatch(
      /pulumi is not there, so it is not measured: --install-peers installs @pulumi/,
    )
    const head = lines.findIndex((line) => line.includes('median'))
    const rows = lines.slice(head + 1).map((line) => line.split(/ {2,}/))
    expect(rows.map(([label]) => label)).toEqual(
      expect.arrayContaining([
        'module reference',
        'pure function',
        'that reads a global',
        'never-seen function',
      ]),
    )
    expect(rows.every((row) => row.length === 4 && row.slice(1).every((cell) => Number(cell) > 0))).toBe(true)
  }, 60_000)
  test('tells what a booted spare is worth, and fails when that is too little', async () => {
    const { exitCode, lines, stderr } = await bench('pool', '1')
    expect(lines.at(-1), stderr).toMatch(
      /^bench, pool: first result of a claimed spare [\d.]+ ms = [\d.]+ of a cold start \(aim 0.06 (met|MISSED)\); .* µs$/,
    )
    expect(exitCode).toBe(lines.at(-1)?.includes('(aim 0.06 met)') === true ? 0 : 1)
  }, 120_000)

  test('measures how long a worker that was killed is missed', async () => {
    const { exitCode, lines, stderr } = await bench('restart', '2')
    expect(lines.at(-1), stderr).toMatch(
      /^bench, restart: ready after [\d.]+ ms = [\d.]+ of a bare fork \(aim 1.5\), with a spare .* \(aim 0.3\): (met|MISSED)$/,
    )
    expect(exitCode).toBe(lines.at(-1)?.endsWith('met') === true ? 0 : 1)
  }, 120_000)

  test('refuses arguments that it does not know', async () => {
    for (const args of [['--quik'], ['cold'], ['--aim', 'high'], ['capture', '--install']]) {
      const { exitCode, stderr } = await bench(...args)
      expect({ args, exitCode, usage: stderr.includes('usage: npm run bench') }).toEqual({
        args,
        exitCode: 2,
        usage: true,
      })
    }
  })
})
