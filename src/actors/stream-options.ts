import { type CallOptions, callOptionChecks } from './call-options.ts'
import { checkOptions, type OptionCheck } from './option-checks.ts'

/** How one stream is treated. */
export interface StreamOptions extends Omit<CallOptions, 'result'> {
  /** How many items the worker may be ahead, 1 to 4294967295. Default 1024. */
  readonly windowItems?: number
  /**
   * How many bytes of items the worker may be ahead; one item that is larger goes when half of it is free.
   * 1 to 9007199254740991, default 4 MiB.
   */
  readonly windowBytes?: number
}

/** How far a producer may be ahead. */
export interface StreamWindow {
  readonly items: number
  readonly bytes: number
}

const integerTo =
  (max: number): OptionCheck =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= max
      ? undefined
      : `an integer from 1 to ${max}`

const { result: _, ...callChecks } = callOptionChecks
const streamOptionChecks = {
  ...callChecks,
  windowItems: integerTo(2 ** 32 - 1),
  windowBytes: integerTo(Number.MAX_SAFE_INTEGER),
}

/** @throws {TypeError | RangeError} naming the option, what was given and what is expected */
export function checkStreamOptions(options: StreamOptions): void {
  checkOptions('a stream', options, streamOptionChecks)
}

export function windowOf({ windowItems = 1024, windowBytes = 4 * 2 ** 20 }: StreamOptions): StreamWindow {
  return { items: windowItems, bytes: windowBytes }
}
