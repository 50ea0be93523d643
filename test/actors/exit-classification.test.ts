import { expect, test } from 'vitest'
import { classifyExit, type ExitFacts } from '../../src/actors/exit-classification.ts'

const killed: ExitFacts = {
  exitCode: null,
  signal: 'SIGKILL',
  lost: undefined,
  intent: undefined,
  wasReady: true,
  stderrTail: '',
  uptimeMs: 12,
  dying: undefined,
  cause: undefined,
}

const overLimit = {
  name: 'MemoryLimitError',
  message: 'The process had 301 MiB resident; maxRssMb is 300.',
  stack: '',
  outOfMemory: true,
}

const v8Words = 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory'

test('a process that its sentinel ended for its memory is out of memory, and the cause says how much it had', () => {
  expect(classifyExit({ ...killed, dying: overLimit })).toEqual({
    type: 'out-of-memory',
    exitCode: null,
    signal: 'SIGKILL',
    stderrTail: '',
    lastFrames: [],
    uptimeMs: 12,
    cause: { name: overLimit.name, message: overLimit.message, stack: '' },
  })
})

test('so is one that was not ready yet', () => {
  expect(classifyExit({ ...killed, wasReady: false, dying: overLimit }).type).toBe('out-of-memory')
})

test('so is one whose launcher ended with it', () => {
  const lost = new Error('The launcher ended.')
  const reason = classifyExit({ ...killed, lost, dying: overLimit })
  expect(reason).toMatchObject({ type: 'out-of-memory', cause: { name: 'MemoryLimitError' } })
  expect(classifyExit({ ...killed, lost })).toMatchObject({ type: 'transport', cause: lost })
})

test('what the host was about to do anyway is the first cause', () => {
  expect(classifyExit({ ...killed, intent: 'killed', dying: overLimit }).type).toBe('killed')
  expect(classifyExit({ ...killed, intent: 'shutdown', stderrTail: v8Words }).type).toBe('shutdown')
})

test('an uncaught error is not a lack of memory', () => {
  const dying = {
    name: 'RangeError',
    message: 'out of memory',
    stack: 'RangeError: …\n    at f (file.ts:1:2)',
  }
  expect(classifyExit({ ...killed, exitCode: 1, signal: null, dying })).toMatchObject({
    type: 'exit',
    lastFrames: ['at f (file.ts:1:2)'],
  })
})

test.each([
  ['normal', { exitCode: 0, signal: null }],
  ['exit', { exitCode: 3, signal: null }],
  ['signal', {}],
  ['boot', { wasReady: false }],
  ['out-of-memory', { signal: 'SIGABRT' as const, stderrTail: v8Words }],
  ['normal', { exitCode: 0, signal: null, stderrTail: v8Words }],
  ['unresponsive', { intent: 'unresponsive' as const }],
] satisfies [string, Partial<ExitFacts>][])('%s: %o', (type, facts) => {
  expect(classifyExit({ ...killed, ...facts }).type).toBe(type)
})
