import { describe, expect, test } from 'vitest'
import { executedAmong, pendingCall } from '../../src/actors/pending-calls.ts'

/** Calls that had been given when the lane had so many bytes. */
const calls = (...places: number[]) =>
  places.map((sentAt, index) => Object.assign(pendingCall(index + 1, false, 'fn', undefined), { sentAt }))

const verdicts = (
  open: ReturnType<typeof calls>,
  bytesLeft: number,
  unread: number | undefined,
  isAnswered = true,
) => {
  return open.map(executedAmong(open, { bytesLeft, data: { unreadWriteBytes: unread } }, isAnswered))
}

describe('what a call of a dead worker may have done', () => {
  test('what had not left did not run, what had may have', () => {
    expect(verdicts(calls(0, 100, 200), 150, undefined)).toEqual(['no', 'unknown', 'no'])
  })

  test('if the last write was not read, and all before it was answered, none of it ran', () => {
    expect(verdicts(calls(250, 300), 300, 100)).toEqual(['no', 'no'])
  })

  test('if something before it is open, only the very last certainly did not run', () => {
    expect(verdicts(calls(150, 250, 300), 300, 100)).toEqual(['unknown', 'unknown', 'no'])
    expect(verdicts(calls(250, 300), 300, 100, false)).toEqual(['unknown', 'no'])
  })

  test('a write that may have been read in parts proves no more than its last byte', () => {
    expect(verdicts(calls(30_000, 40_000), 40_000, 20_000)).toEqual(['unknown', 'no'])
  })
})
