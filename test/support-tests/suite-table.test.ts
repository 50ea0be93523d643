import { describe, expect, test } from 'vitest'
import { countsLine, duration, parseCount, suiteTable } from '../support/suite-table.ts'

const suites = new Map([
  ['transport', { passed: 12, failed: 0, skipped: 0, ms: 65_249 }],
  ['checks', parseCount({ passed: false, ms: 900 })],
])

describe('suiteTable()', () => {
  test('has a row for each suite, in order of name', () => {
    expect(suiteTable(suites, 1000).split('\n')).toEqual([
      'suite              time  passed  failed  skipped',
      'checks            0.9 s       0       1        0',
      'transport  1 min 05.2 s      12       0        0',
      'wall time of the tests: 1.0 s',
    ])
  })
})

describe('countsLine()', () => {
  test('sums up', () => {
    expect(countsLine([...suites.values()])).toBe('12 passed, 1 failed')
  })

  test('names skipped tests only when there are some', () => {
    expect(countsLine([{ passed: 1, failed: 0, skipped: 2 }])).toBe('1 passed, 0 failed, 2 skipped')
  })
})

describe('duration()', () => {
  test.each([
    [0, '0.0 s'],
    [59_949, '59.9 s'],
    [59_950, '1 min 00.0 s'],
    [3_600_000, '60 min 00.0 s'],
  ])('writes %d ms as %s', (ms, text) => {
    expect(duration(ms)).toBe(text)
  })
})
