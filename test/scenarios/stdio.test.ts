import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { text as textOf } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { spawnWorker } from 'maltster'
import { expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { ofType, quietWorker, recordEvents, recordWarnings, until } from './workers.ts'

useLeakCheck()

const host = fileURLToPath(new URL('../fixtures/stdio/host.mjs', import.meta.url))

/** Environment without what switches colours off or on. */
const environment = { PATH: process.env['PATH'], TERM: 'xterm-256color' }

function runHost(...argv: string[]): { stdout: string; stderr: string } {
  const { stdout, stderr, status } = spawnSync(process.execPath, [host, ...argv], {
    encoding: 'utf8',
    env: environment,
    timeout: 20_000,
  })
  expect(status, stderr).toBe(0)
  return { stdout, stderr }
}

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '')

test('scenario 48: forwarded output is one tagged line for each line, the last one included', () => {
  const { stdout, stderr } = runHost('forward')
  expect(lines(stdout)).toEqual([
    '[printer] hello',
    '[printer] two',
    '[printer] lines',
    '[printer] no newline',
  ])
  expect(lines(stderr)).toEqual(['[printer] trouble'])
})

test('scenario 48: on a terminal the tag is blue for stdout and yellow for stderr', () => {
  const { stdout, stderr } = runHost('forward', 'terminal')
  expect(lines(stdout)[0]).toBe('\u001B[34m[printer]\u001B[39m hello')
  expect(lines(stderr)).toEqual(['\u001B[33m[printer]\u001B[39m trouble'])
})

test.runIf(existsSync('/usr/bin/script'))('scenario 48: colours through a real terminal', () => {
  const command = [process.execPath, host, 'forward'].map((part) => `'${part}'`).join(' ')
  const { stdout } = spawnSync('/usr/bin/script', ['-qec', command, '/dev/null'], {
    encoding: 'utf8',
    env: environment,
    timeout: 20_000,
  })
  expect(stdout).toContain('\u001B[34m[printer]\u001B[39m hello')
  expect(stdout).toContain('\u001B[33m[printer]\u001B[39m trouble')
})

test('scenario 49: in pipe mode nothing is forwarded, the bytes can be read, and stderr is forwarded still', () => {
  const { stdout, stderr } = runHost('pipe')
  expect(lines(stdout)).toEqual([JSON.stringify('hello\ntwo\nlines\nno newline')])
  expect(lines(stderr)).toEqual(['[printer] trouble'])
})

test('scenario 49: what is piped can be read while the worker lives, and both streams at once', async () => {
  await using worker = await spawnWorker({ stdout: 'pipe', stderr: 'pipe' })
  const seen: string[] = []
  worker.stdout?.setEncoding('utf8').on('data', (text: string) => seen.push(text))
  await worker.call(() => console.log('now'))
  await until('it is read', () => seen.join('') === 'now\n')
  const errors = textOf(worker.stderr!)
  await worker.call(() => console.error('later'))
  await worker.stop()
  expect(await errors).toBe('later\n')
})

/** 20 MB, and a last line without a newline. */
const printMuch = async (): Promise<string> => {
  const megabyte = `${'x'.repeat(999_999)}\n`
  for (let left = 20; left > 0; left--) {
    await new Promise((resolve) => process.stdout.write(megabyte, resolve))
  }
  await new Promise((resolve) => process.stdout.write('the end', resolve))
  return 'printed'
}

test('scenario 50: 20 MB that nobody reads hold up no call; the newest bytes are there at the end', async () => {
  using recorded = recordEvents({ types: ['output.dropped'] })
  const worker = await spawnWorker({ stdout: 'pipe', stderr: 'ignore' })
  expect(await worker.call(printMuch)).toBe('printed')
  expect(await worker.call(() => 'usable')).toBe('usable')
  await worker.stop()
  const rest = await textOf(worker.stdout!)
  expect(rest.endsWith('\nthe end')).toBe(true)
  const dropped = ofType(recorded.events, 'output.dropped').reduce((sum, { bytes }) => sum + bytes, 0)
  expect(dropped).toBeGreaterThan(15_000_000)
  expect(dropped + rest.length).toBe(20_000_007)
})

test('scenario 50: a line function gets every line, the last one without newline too, and may throw', async () => {
  using recorded = recordWarnings()
  const seen: string[] = []
  const worker = await quietWorker({
    stdout: (line) => {
      seen.push(line)
      throw new Error('mine')
    },
  })
  await worker.call(() => {
    for (let i = 0; i < 100; i++) console.log('line', i)
    process.stdout.write('last')
  })
  await worker.stop()
  expect(seen).toEqual([...Array.from({ length: 100 }, (_, i) => `line ${i}`), 'last'])
  await until('a warning', () => recorded.warnings.length > 0)
  expect(recorded.warnings.length).toBeLessThan(10)
})

test('a line over 64 KiB arrives in pieces, and a worker that prints without end costs no memory', async () => {
  let bytes = 0
  let longest = 0
  const worker = await quietWorker({
    stdout: (line) => {
      bytes += line.length
      longest = Math.max(longest, line.length)
    },
  })
  await worker.call(async () => {
    await new Promise((resolve) => process.stdout.write('y'.repeat(5_000_000), resolve))
  })
  await worker.stop()
  expect(bytes).toBe(5_000_000)
  expect(longest).toBe(65_536)
})

test('output of a run is the caller’s, and not forwarded as well', async () => {
  const seen: string[] = []
  await using worker = await quietWorker({ stdout: (line) => seen.push(line) })
  await worker.call(() => console.log('before'))
  expect(await worker.run('console.log("mine")')).toMatchObject({ stdout: 'mine\n' })
  await worker.call(() => console.log('after'))
  await until('the line behind it', () => seen.includes('after'))
  expect(seen).toEqual(['before', 'after'])
})

test('scenario 7: what is printed in a preload harms no handshake, and is forwarded', () => {
  const { stdout } = runHost('preload')
  expect(lines(stdout)[0]).toBe('[printer] booting')
  expect(lines(stdout)).toContain('[printer] \0\0half a frame')
  expect(lines(stdout)).toContain('ready 2')
})

test('scenario 7: a preload that prints 5 MB on both streams', async () => {
  const source = `for (const stream of [process.stdout, process.stderr]) await new Promise((go) => stream.write('z'.repeat(5e6) + '\\n', go))`
  let bytes = 0
  const count = (line: string): void => void (bytes += line.length)
  await using worker = await spawnWorker({ stdout: count, stderr: count, preload: [{ source }] })
  expect(await worker.call(() => 1)).toBe(1)
  await until('it has all come', () => bytes === 10_000_000)
})
