import { type CallOptions, callOptionChecks } from './call-options.ts'
import { aFunction, checkOptions, count, shown, text } from './option-checks.ts'

/** Where and how source text is evaluated. */
export interface EvaluateOptions extends Omit<CallOptions, 'captures' | 'capture'> {
  /** The named scope that it lives in; see `Worker.scope`. Default: the worker's own, which are its global names. */
  readonly scope?: string
  /**
   * What it is called in stacks, and where its imports are resolved from if it is an absolute path or a `file:` URL;
   * else they are from the worker's `cwd`. `maltster/worker` is found from there, too. Default `[evaluation 1]`,
   * `[evaluation 2]`, …
   */
  readonly filename?: string
}

/** How code that is not yours is run. */
export interface RunOptions extends Pick<EvaluateOptions, 'scope' | 'filename' | 'signal'> {
  /** Then it is cut off. Milliseconds, over 0. Default: no limit; 10000 in an `untrusted` worker. */
  readonly timeoutMs?: number
  /** The most bytes of stdout, and of stderr, that are kept. Default 16 MiB; 1 MiB in an `untrusted` worker. */
  readonly maxOutputBytes?: number
  /** Is given what it writes to stdout as it comes, up to `maxOutputBytes`. */
  readonly onStdout?: (text: string) => void
  /** As `onStdout`, for stderr. */
  readonly onStderr?: (text: string) => void
}

// Source has nothing around it that could go along.
const { captures: _, capture: __, ...ofCalls } = callOptionChecks
const sourceChecks = { scope: text, filename: text }
const evaluateChecks = { ...ofCalls, ...sourceChecks }
const runChecks = {
  ...sourceChecks,
  signal: ofCalls.signal,
  timeoutMs: ofCalls.timeoutMs,
  maxOutputBytes: count,
  onStdout: aFunction,
  onStderr: aFunction,
}

/** @throws {TypeError} if it is no text */
export function checkSource(source: unknown): void {
  if (typeof source !== 'string') {
    throw new TypeError(`Expected \`source\` to be a string, got ${shown(source)}.`)
  }
}

/** @throws {TypeError | RangeError} naming the option, what was given and what is expected */
export function checkEvaluateOptions(options: EvaluateOptions): void {
  checkOptions('evaluate', options, evaluateChecks)
}

/** @throws {TypeError | RangeError} naming the option, what was given and what is expected */
export function checkRunOptions(options: RunOptions): void {
  checkOptions('run', options, runChecks)
}
