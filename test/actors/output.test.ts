import { PassThrough, Writable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Output } from '../../src/actors/output.ts'
import type { Clock } from '../../src/transport/clock.ts'
import { Sink, Source, stuck, turn } from './output-streams.ts'

const warnings: Error[] = []
const listen = (warning: Error): void => void warnings.push(warning)

beforeEach(() => {
  warnings.length = 0
  process.on('warning', listen)
})
afterEach(() => {
  process.off('warning', listen)
  vi.unstubAllEnvs()
})

describe('forward', () => {
  test('each line has a tag, however it came, the last one too', async () => {
    const source = new Source()
    const host = new Sink()
    const output = new Output(source, 'forward', 'kernel', host)
    await source.give('two\nli', 'nes\n\nlast')
    await source.over()
    await output.ended
    expect(host.text).toBe('[kernel] two\n[kernel] lines\n[kernel] \n[kernel] last\n')
    // A write has whole lines: those of other workers come between them, not within.
    expect(host.texts.every((text) => text.endsWith('\n'))).toBe(true)
  })

  test.each([
    ['blue for stdout', 'stdout', {}, {}, '\u001B[34m[w]\u001B[39m a\n'],
    ['yellow for stderr', 'stderr', {}, {}, '\u001B[33m[w]\u001B[39m a\n'],
    ['plain where there are no colours', 'stdout', { hasColors: () => false }, {}, '[w] a\n'],
    ['plain where there is no terminal', 'stdout', { isTTY: false }, {}, '[w] a\n'],
    ['plain with NO_COLOR', 'stdout', {}, { NO_COLOR: '1' }, '[w] a\n'],
    ['plain on a dumb terminal', 'stdout', {}, { TERM: 'dumb' }, '[w] a\n'],
  ] as const)('the tag is %s, the text as it is', async (_, streamName, kind, environment, expected) => {
    vi.stubEnv('NO_COLOR', undefined)
    vi.stubEnv('TERM', 'xterm')
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
    const source = new Source()
    const host = Object.assign(new Sink(), { isTTY: true, hasColors: () => true }, kind)
    new Output(source, 'forward', 'w', host, { streamName })
    await source.give('a\n')
    expect(host.text).toBe(expected)
  })

  test('a full stream of the host pauses the reading until it is drained', async () => {
    const source = new Source()
    const host = stuck()
    new Output(source, 'forward', 'w', host)
    await source.give('a line that fills it\n', 'more\n')
    expect(source.isPaused()).toBe(true)
    expect(source.readableLength).toBe(5)
    expect((host.read() as Buffer).toString()).toBe('[w] a line that fills it\n')
    await turn()
    await turn()
    expect(source.isPaused()).toBe(false)
    expect((host.read() as Buffer).toString()).toBe('[w] more\n')
  })

  test('100 workers wait for one stream with one listener, all go on, and nothing is left behind', async () => {
    const host = stuck()
    const sources = Array.from({ length: 100 }, () => new Source())
    const outputs = sources.map((source, n) => new Output(source, 'forward', `w${n}`, host))
    await Promise.all(sources.map((source) => source.give('a line that fills it\n', 'more\n')))
    expect(sources.every((source) => source.isPaused())).toBe(true)
    expect(host.listenerCount('drain')).toBeLessThanOrEqual(2)
    let text = ''
    host.on('data', (chunk: Buffer) => (text += chunk.toString()))
    while (text.split('\n').length < 201) await turn()
    expect(host.listenerCount('drain')).toBe(new PassThrough().listenerCount('drain'))
    expect(host.listenerCount('close')).toBe(new PassThrough().listenerCount('close'))
    for (const output of outputs) output.stop()
    expect(warnings).toEqual([])
  })

  test('a worker that stops waits no longer', async () => {
    const host = stuck()
    const before = host.listenerCount('drain')
    const source = new Source()
    const output = new Output(source, 'forward', 'w', host)
    await source.give('a line that fills it\n')
    expect(host.listenerCount('drain')).toBe(before + 1)
    output.stop()
    expect(host.listenerCount('drain')).toBe(before)
  })

  test.each(['processEnded', 'stop'] as const)(
    'no line is lost at %s() though the host’s stream is stuck',
    async (how) => {
      const source = new Source()
      const host = stuck()
      const output = new Output(source, 'forward', 'w', host)
      await source.give('a line that fills it\n', 'one\n', 'two\n', 'no end')
      output[how]()
      await source.over()
      await output.ended
      expect(output.hasEnded).toBe(true)
      let text = ''
      host.on('data', (chunk: Buffer) => (text += chunk.toString()))
      while (!text.includes('no end')) await turn()
      expect(text).toBe('[w] a line that fills it\n[w] one\n[w] two\n[w] no end\n')
    },
  )

  test('even at the end the host’s stream is filled only so far', async () => {
    const source = new Source()
    const host = stuck()
    const output = new Output(source, 'forward', 'w', host)
    output.processEnded()
    const chunk = Buffer.from(`${'x'.repeat(2 ** 16 - 1)}\n`)
    for (let n = 0; n < 400 && !source.isPaused(); n++) await source.give(chunk)
    expect(source.isPaused()).toBe(true)
    expect(host.writableLength).toBeLessThan(2 ** 24 + 2 ** 18)
    output.stop()
  })

  test.each(['at once', 'later'])(
    'a host’s stream that fails %s loses lines and nothing else',
    async (when) => {
      const source = new Source()
      const error = Object.assign(new Error('broken pipe'), { code: 'EPIPE' })
      const host = new Writable({
        highWaterMark: 1,
        autoDestroy: false,
        write: (_, __, callback) =>
          void (when === 'at once' ? callback(error) : setImmediate(callback, error)),
      })
      const output = new Output(source, 'forward', 'w', host)
      await source.give('one\n', 'two\n', 'three\n')
      for (let n = 0; n < 5; n++) await turn()
      expect(source.readableLength).toBe(0)
      await source.over()
      await output.ended
      expect(output.tail).toBe('one\ntwo\nthree\n')
    },
  )

  test('who listens to the host’s stream hears its error', async () => {
    const source = new Source()
    const errors: unknown[] = []
    const host = new Writable({ write: (_, __, callback) => callback(new Error('full')) })
    host.on('error', (error) => errors.push(error))
    const output = new Output(source, 'forward', 'w', host)
    await source.give('one\n', 'two\n')
    expect(errors).toHaveLength(1)
    expect(source.readableLength).toBe(0)
    output.stop()
  })
})

/** Time stands still until it is moved. */
class StillClock implements Clock {
  #nowMs = 0
  readonly timers = new Map<object, { atMs: number; callback: () => void }>()
  nowMs = (): number => this.#nowMs
  wallTimeMs = (): number => this.#nowMs
  setTimeout = (callback: () => void, delayMs: number): unknown => {
    const timer = {}
    this.timers.set(timer, { atMs: this.#nowMs + delayMs, callback })
    return timer
  }
  setIdleTimeout = this.setTimeout
  clearTimeout = (timer: unknown): void => void this.timers.delete(timer as object)

  pass(milliseconds: number): void {
    this.#nowMs += milliseconds
    for (const [timer, { atMs, callback }] of this.timers) {
      if (atMs > this.#nowMs) continue
      this.timers.delete(timer)
      callback()
    }
  }
}

describe('a line function', () => {
  test.each([
    [
      'throws',
      (line: string) => {
        throw new Error(`at ${line}`)
      },
    ],
    [
      'rejects',
      async (line: string) => {
        throw new Error(`at ${line}`)
      },
    ],
    [
      'throws something odd',
      () => {
        throw Object.create(null)
      },
    ],
  ])('that %s gets every line, and warnings have the lines, one a second', async (_, fail) => {
    const lines: string[] = []
    const clock = new StillClock()
    const source = new Source()
    const option = (line: string): unknown => {
      lines.push(line)
      return fail(line)
    }
    const output = new Output(source, option, 'w', new Sink(), { clock, streamName: 'stderr' })
    await source.give('one\ntwo\n', 'three\nlast')
    expect(warnings).toHaveLength(1)
    expect(warnings[0]?.name).toBe('MaltsterWarning')
    expect(warnings[0]?.message).toMatch(/^The line function of w \(stderr\) threw for "one"\./)
    clock.pass(999)
    await turn()
    expect(warnings).toHaveLength(1)
    clock.pass(1)
    await turn()
    expect(warnings[1]?.message).toMatch(/"three"\. And 1 more before it\./)
    await source.over()
    await output.ended
    await turn()
    expect(lines).toEqual(['one', 'two', 'three', 'last'])
    expect(warnings[2]?.message).toMatch(/"last"\./)
    expect(warnings).toHaveLength(3)
    expect(clock.timers.size).toBe(0)
  })

  test('that fails for a long line is warned of in few words', async () => {
    const source = new Source()
    const output = new Output(
      source,
      (line) => {
        throw new Error(line)
      },
      'w',
      new Sink(),
    )
    await source.give(`${'x'.repeat(60_000)}\n`)
    expect(warnings[0]?.message.length).toBeLessThan(3000)
    output.stop()
  })

  test('that stops its worker gets the rest of its chunk, in order, and no more', async () => {
    const source = new Source()
    const lines: string[] = []
    const output: Output = new Output(
      source,
      (line) => {
        if (lines.push(line) === 1) output.stop()
      },
      'w',
      new Sink(),
    )
    await source.give('one\ntwo\nrest')
    await output.ended
    expect(lines).toEqual(['one', 'two', 'rest'])
    expect(source.destroyed).toBe(true)
  })
})

test('the tail is the last 8 KiB, of chunks of any size', async () => {
  const source = new Source()
  const output = new Output(source, 'ignore', 'w', new Sink())
  expect(output.tail).toBe('')
  await source.give('a'.repeat(100), 'b'.repeat(2 ** 20), 'c'.repeat(100))
  expect(output.tail).toBe(`${'b'.repeat(8092)}${'c'.repeat(100)}`)
  output.stop()
  output.stop()
  await output.ended
  expect(output.tail.length).toBe(8192)
})

test('an error of the worker’s stream is its end', async () => {
  const source = new Source()
  const lines: string[] = []
  const output = new Output(source, (line) => void lines.push(line), 'w', new Sink())
  await source.give('no end')
  source.destroy(new Error('ECONNRESET'))
  await output.ended
  expect(lines).toEqual(['no end'])
})
