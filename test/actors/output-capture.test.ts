import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Output } from '../../src/actors/output.ts'
import { CaptureFilter } from '../../src/actors/output/capture-filter.ts'
import type { CapturedOutput, CaptureOptions, OutputCapture } from '../../src/actors/output/output-capture.ts'
import { MarkedCapture } from '../../src/actors/output/output-capture.ts'
import { GuardedFunction } from '../../src/actors/output/guarded-function.ts'
import { systemClock } from '../../src/transport/clock.ts'
import { cutAt, Sink, Source, stuck, turn } from './output-streams.ts'

function marker(): Buffer {
  return Buffer.from(`\0${randomBytes(16).toString('hex')}\0`)
}

const from = marker()
const to = marker()
const from2 = marker()
const to2 = marker()

/** A filter by itself: what went the normal way, what was seen by the tap, and captures. */
class Bench {
  readonly normal: Buffer[] = []
  readonly tapped: Buffer[] = []
  hasEnded = false
  readonly filter = new CaptureFilter(
    { write: (bytes) => this.normal.push(bytes), end: () => (this.hasEnded = true) },
    (bytes) => this.tapped.push(bytes),
  )

  capture(options: Partial<CaptureOptions> = {}): OutputCapture {
    const { onText } = options
    const guarded = onText && new GuardedFunction(onText, 'The output function of x', systemClock)
    const capture = new MarkedCapture({ from, to, maxBytes: 2 ** 20, ...options }, guarded)
    this.filter.add(capture)
    return capture
  }

  write(...chunks: readonly (Buffer | string)[]): void {
    for (const chunk of chunks) this.filter.write(Buffer.from(chunk))
  }

  get text(): string {
    return Buffer.concat(this.normal).toString()
  }

  get tail(): string {
    return Buffer.concat(this.tapped).toString()
  }
}

const complete = (text: string, cutBytes = 0): CapturedOutput => ({ text, cutBytes, isComplete: true })
const incomplete = (text: string): CapturedOutput => ({ text, cutBytes: 0, isComplete: false })

test('markers are found wherever two cuts split them', async () => {
  const bytes = Buffer.concat([Buffer.from('ab\0'), from, Buffer.from('\0é\0'), to, Buffer.from('\0cd')])
  for (let first = 0; first <= bytes.length; first++) {
    for (let second = first; second <= bytes.length; second += 3) {
      const bench = new Bench()
      const { done } = bench.capture()
      bench.write(...cutAt(bytes, [first, second]))
      expect(bench.text).toBe('ab\0\0cd')
      expect(bench.tail).toBe('ab\0\0é\0\0cd')
      expect(await done).toEqual(complete('\0é\0'))
    }
  }
})

const noise = fc.constantFrom(
  '\0',
  'a',
  '0',
  '\n',
  'é',
  '😀',
  from.toString().slice(0, 20),
  to.toString().slice(0, -5),
)
const text = fc.array(noise, { maxLength: 12 }).map((parts) => parts.join(''))
const cuts = fc.array(fc.nat(400), { maxLength: 30 })

test('captures in sequence and what is between them go where they belong, however it is cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.tuple(text, text, text, text, text), cuts, async ([a, b, c, d, e], places) => {
      const bench = new Bench()
      const told: string[] = []
      const one = bench.capture({ onText: (more) => told.push(more) })
      const two = bench.capture({ from: from2, to: to2 })
      const bytes = Buffer.concat([
        Buffer.from(a),
        from,
        Buffer.from(b),
        to,
        Buffer.from(c),
        from2,
        Buffer.from(d),
        to2,
        Buffer.from(e),
      ])
      bench.write(...cutAt(bytes, places))
      bench.filter.end()
      expect(bench.text).toBe(`${a}${c}${e}`)
      expect(await one.done).toEqual(complete(b))
      expect(await two.done).toEqual(complete(d))
      expect(told.join('')).toBe(b)
    }),
    { numRuns: 500 },
  )
})

test('the text is cut between characters, and all that is cut is counted', async () => {
  const anyText = fc.oneof(
    text.map((one) => Buffer.from(one)),
    fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
  )
  await fc.assert(
    fc.asyncProperty(anyText, fc.nat(60), cuts, async (bytes, maxBytes, places) => {
      const bench = new Bench()
      const told: string[] = []
      const { done } = bench.capture({ maxBytes, onText: (more) => told.push(more) })
      bench.write(from, ...cutAt(bytes, places), to)
      const { text: got, cutBytes, isComplete } = await done
      const kept = bytes.length - cutBytes
      expect(isComplete).toBe(true)
      expect(got).toBe(bytes.toString('utf8', 0, kept))
      expect(told.join('')).toBe(got)
      if (bytes.length <= maxBytes) expect(cutBytes).toBe(0)
      else {
        expect(kept).toBeLessThanOrEqual(maxBytes)
        expect(kept).toBeGreaterThan(maxBytes - 4)
      }
    }),
    { numRuns: 2000 },
  )
})

test('text is told as it comes, in whole characters', () => {
  const bench = new Bench()
  const told: string[] = []
  bench.capture({ onText: (more) => told.push(more) })
  bench.write(from, 'a', Buffer.of(0xc3), Buffer.of(0xa9, 0x62), '\0')
  expect(told).toEqual(['a', 'éb'])
  bench.write('x')
  expect(told).toEqual(['a', 'éb', '\0x'])
})

test('without a marker in the way nothing is held back', () => {
  const bench = new Bench()
  bench.write('\0', from.subarray(0, 20))
  expect(bench.text).toBe(`\0${from.subarray(0, 20).toString()}`)
})

test('a capture whose stream ends is incomplete, and a torn marker goes nowhere', async () => {
  const bench = new Bench()
  const { done } = bench.capture()
  bench.write('a', from, 'b\0', to.subarray(0, 30))
  bench.filter.end()
  expect(await done).toEqual(incomplete('b\0'))
  expect(bench.text).toBe('a')
  expect(bench.hasEnded).toBe(true)
  expect(await bench.capture().done).toEqual(incomplete(''))
})

test('after finish() late markers are taken out, and the rest goes the normal way', async () => {
  for (let cut = 0; cut < from.length; cut++) {
    const early = new Bench()
    const begun = early.capture()
    early.write('a', from, 'b', to.subarray(0, cut))
    begun.finish()
    begun.finish()
    expect(await begun.done).toEqual(incomplete('b'))
    early.write(to.subarray(cut), 'c')
    expect(early.text).toBe('ac')

    const late = new Bench()
    const waiting = late.capture()
    late.write('a', from.subarray(0, cut))
    waiting.finish()
    expect((await waiting.done).isComplete).toBe(false)
    const next = late.capture({ from: from2, to: to2 })
    late.write(from.subarray(cut), 'b', to, 'c', from2, 'd', to2, 'e')
    expect(late.text).toBe('abce')
    expect(await next.done).toEqual(complete('d'))
  }
})

test('a marker of a later capture ends those before it, and one without its first is incomplete', async () => {
  const bench = new Bench()
  const one = bench.capture()
  const two = bench.capture({ from: from2, to: to2 })
  bench.write(from, 'a', from2, 'b', to2, 'c')
  expect(await one.done).toEqual(incomplete('a'))
  expect(await two.done).toEqual(complete('b'))
  const three = bench.capture()
  bench.write('d', to, 'e')
  expect(await three.done).toEqual(incomplete(''))
  expect(bench.text).toBe('cde')
})

test('captures that never come are forgotten but for some', async () => {
  const bench = new Bench()
  for (let n = 0; n < 1000; n++) bench.capture({ from: marker(), to: marker() }).finish()
  const { done } = bench.capture()
  bench.write(from, 'x', to, '\0')
  expect(await done).toEqual(complete('x'))
  // The one that was seen ends those before it: nothing is looked for, so nothing is held back.
  expect(bench.text).toBe('\0')
})

test('a function of text that finishes its capture, or throws, harms nothing', async () => {
  const bench = new Bench()
  const capture = bench.capture({
    onText: () => {
      capture.finish()
      throw new Error('no')
    },
  })
  bench.write(from, 'a', 'b', to, 'c')
  expect(await capture.done).toEqual(incomplete('a'))
  expect(bench.text).toBe('bc')
})

test('1 GB through a capture keeps no more than it should', async () => {
  const bench = new Bench()
  const { done } = bench.capture({ maxBytes: 1000 })
  const chunk = Buffer.alloc(2 ** 20, 'x')
  bench.filter.write(from)
  for (let n = 0; n < 1024; n++) bench.filter.write(chunk)
  bench.tapped.length = 0
  bench.filter.write(to)
  expect(await done).toEqual(complete('x'.repeat(1000), 2 ** 30 - 1000))
  expect(bench.normal).toEqual([])
})

test.each(['forward', 'pipe', 'ignore', 'function'] as const)(
  'with %s, captured bytes are the tail’s only',
  async (kind) => {
    const source = new Source()
    const host = new Sink()
    const lines: string[] = []
    const option = kind === 'function' ? (line: string): void => void lines.push(line) : kind
    const output = new Output(source, option, 'w', host)
    const { done } = output.capture({ from, to, maxBytes: 100 })
    await source.give('be', Buffer.concat([Buffer.from('fore\n'), from, Buffer.from('secret\n')]))
    await source.give(Buffer.concat([to, Buffer.from('after\n')]))
    await source.over()
    await output.ended
    expect(await done).toEqual(complete('secret\n'))
    expect(output.tail).toBe('before\nsecret\nafter\n')
    expect(host.text).toBe(kind === 'forward' ? '[w] before\n[w] after\n' : '')
    expect(lines).toEqual(kind === 'function' ? ['before', 'after'] : [])
    expect((output.stream?.read() as Buffer | undefined)?.toString()).toBe(
      kind === 'pipe' ? 'before\nafter\n' : undefined,
    )
  },
)

test('a capture is not held up by a host’s stream that is stuck', async () => {
  const source = new Source()
  const host = stuck()
  const output = new Output(source, 'forward', 'w', host)
  await source.give('a line that fills it\n')
  expect(source.isPaused()).toBe(true)
  const { done } = output.capture({ from, to, maxBytes: 100 })
  await source.give('another line\n', from, 'captured', to, 'x\n')
  expect(await done).toEqual(complete('captured'))
  await source.give('y\n')
  expect(source.isPaused()).toBe(true)
  output.stop()
  let seen = ''
  host.on('data', (chunk: Buffer) => (seen += chunk.toString()))
  while (!seen.includes('y')) await turn()
  expect(seen).toBe('[w] a line that fills it\n[w] another line\n[w] x\n[w] y\n')
})

test('an end in the middle, and stop(), leave a capture incomplete', async () => {
  const source = new Source()
  const output = new Output(source, 'ignore', 'w', new Sink())
  const { done } = output.capture({ from, to, maxBytes: 100 })
  await source.give(from, 'partial')
  output.stop()
  expect(await done).toEqual(incomplete('partial'))
})
