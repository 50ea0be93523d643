import { CallTimeoutError, InterruptedError, RemoteError } from '../errors/call-errors.ts'
import { DecodeError } from '../errors/data-errors.ts'
import type { ExitReason } from '../errors/exit-reason.ts'
import { WorkerDiedError, WorkerStoppedError } from '../errors/worker-errors.ts'
import { prepareRuntimeFunction, runtimeFunction } from '../movement/runtime-function.ts'
import type { Clock } from '../transport/clock.ts'
import type { Random } from '../transport/random.ts'
import { whenAborted } from '../movement/abort.ts'
import type { Calls } from './calls.ts'
import type { RunOptions } from './evaluate-options.ts'
import type { CapturedOutput } from './output/output-capture.ts'
import type { ResolvedOptions } from './resolve-options.ts'
import { RunOutput } from './run-output.ts'
import type { WorkerProcess } from './worker-process.ts'

/** What became of code that was run, in one word. */
export type RunOutcome =
  /** It came to its end; `value` is that of its last expression. */
  | 'value'
  /** It threw, or its last promise rejected. */
  | 'thrown'
  /** It is not JavaScript; nothing of it ran. */
  | 'syntax-error'
  /** It was cut off after `timeoutMs`. */
  | 'timeout'
  /** It was ended by `interrupt()`. */
  | 'interrupted'
  /** Its `signal` aborted. */
  | 'aborted'
  /** It took more memory than there was; the process is gone. */
  | 'out-of-memory'
  /** The process ended: by its own doing, or a signal; `exit` says how. */
  | 'exited'
  /** The worker was stopped meanwhile. */
  | 'stopped'

/** What became of code that was run. */
export interface RunResult {
  /** Whether it came to its end. */
  readonly ok: boolean
  /** What became of it. */
  readonly outcome: RunOutcome
  /** The value of its last expression, awaited; undefined if that can't be sent (then `text` shows it). */
  readonly value: unknown
  /** The value as people read it, as Node's REPL shows it; of an error its name and message. At most 16 KiB. */
  readonly text: string
  /** Why it did not come to its end. */
  readonly error: Error | undefined
  /** Where in the source it threw, or is wrong; both count from 1. */
  readonly position: { readonly line: number; readonly column: number } | undefined
  /** What it wrote to stdout, with a note at the end if some was cut. */
  readonly stdout: string
  /** What it wrote to stderr, likewise. */
  readonly stderr: string
  /** From its start to its end, in milliseconds. */
  readonly durationMs: number
  /** Why the process ended, if it did. */
  readonly exit: ExitReason | undefined
}

/** What `run` needs of its worker. */
export interface RunWorker {
  readonly calls: Calls
  readonly process: WorkerProcess
  readonly options: ResolvedOptions
  readonly clock: Clock
  readonly random: Random
  /** Whether the worker has output of its own that can be told apart. */
  readonly hasOutput: boolean
  /** How many interrupts there have been. */
  interrupts(): number
  /** The error of what was interrupted before it began. */
  interruptedBefore(): InterruptedError
  readonly exited: Promise<ExitReason>
}

/** What is kept of a value or an error as text. */
const maxTextLength = 16_384

/** What the child answers to a run that came to its end. */
interface Answer {
  readonly value?: unknown
  readonly text?: unknown
}

interface Ending {
  readonly outcome: RunOutcome
  readonly answer?: Answer
  readonly error?: Error
}

let lastRun = 0

/** Runs source that is not the user's own, alone in its worker, and tells all that came of it. Never rejects for it. */
export function runSource(worker: RunWorker, source: string, options: RunOptions): Promise<RunResult> {
  const interrupts = worker.interrupts()
  const { signal } = options
  if (signal?.aborted === true) return Promise.resolve(abortedBefore(signal))
  let hasBegun = false
  const turn = worker.calls.exclusive(() => {
    hasBegun = true
    if (signal?.aborted === true) return Promise.resolve(abortedBefore(signal))
    return runNow(worker, source, options, interrupts)
  })
  if (signal === undefined) return turn
  // It may be long until its turn comes, and nothing is to be ended before.
  return new Promise((resolve, reject) => {
    const forget = whenAborted(signal, () => {
      if (!hasBegun) resolve(abortedBefore(signal))
    })
    void turn.then(resolve, reject).finally(forget)
  })
}

async function runNow(
  worker: RunWorker,
  source: string,
  options: RunOptions,
  interrupts: number,
): Promise<RunResult> {
  const filename = options.filename ?? `[run ${++lastRun}]`
  const { timeoutMs = worker.options.run.timeoutMs, signal } = options
  const { maxOutputBytes = worker.options.run.maxOutputBytes } = options
  const outputs = worker.hasOutput ? new RunOutput(worker, options, maxOutputBytes) : undefined
  const callOptions = { timeoutMs, ...(signal === undefined ? {} : { signal }) }
  let startedMs = worker.clock.nowMs()
  const ending = await ended(filename, signal, async () => {
    // Before the code is sent there is no call of it that could be ended.
    const checkInterrupted = (): void => {
      if (worker.interrupts() !== interrupts) throw worker.interruptedBefore()
    }
    checkInterrupted()
    await outputs?.begin(callOptions)
    checkInterrupted()
    startedMs = worker.clock.nowMs()
    const run = prepareRuntimeFunction(runtimeFunction.run)
    return worker.calls.startPrepared(run, [source, options.scope, filename], callOptions, true)
  })
  const durationMs = worker.clock.nowMs() - startedMs
  const exit = await outputs?.end(ending.outcome !== 'value' && !(ending.error instanceof RemoteError))
  const [stdout = noOutput, stderr = noOutput] = (await outputs?.collect()) ?? []
  return {
    ...resultOf(ending, filename),
    stdout: withNote(stdout, maxOutputBytes),
    stderr: withNote(stderr, maxOutputBytes),
    durationMs,
    exit: ending.error instanceof WorkerDiedError ? ending.error.reason : exit,
  }
}

function abortedBefore(signal: AbortSignal): RunResult {
  const { reason } = signal as { reason: unknown }
  const error = reason instanceof Error ? reason : new Error(String(reason), { cause: reason })
  const nothing = { stdout: '', stderr: '', durationMs: 0, exit: undefined }
  return { ...resultOf({ outcome: 'aborted', error }, ''), ...nothing }
}

const noOutput: CapturedOutput = { text: '', cutBytes: 0, isComplete: true }

function withNote({ text, cutBytes }: CapturedOutput, maxOutputBytes: number): string {
  if (cutBytes === 0) return text
  return `${text}\n… ${cutBytes} more bytes were cut (maxOutputBytes: ${maxOutputBytes})`
}

async function ended(
  filename: string,
  signal: AbortSignal | undefined,
  task: () => Promise<unknown>,
): Promise<Ending> {
  try {
    const answer = (await task()) as Answer | undefined
    return { outcome: 'value', answer: answer ?? {} }
  } catch (reason) {
    const error = reason instanceof Error ? reason : new Error(String(reason), { cause: reason })
    return { outcome: signal?.aborted === true ? 'aborted' : outcomeOf(error, filename), error }
  }
}

function outcomeOf(error: Error, filename: string): RunOutcome {
  if (error instanceof CallTimeoutError) return 'timeout'
  if (error instanceof InterruptedError) return 'interrupted'
  if (error instanceof WorkerStoppedError) return 'stopped'
  if (error instanceof WorkerDiedError)
    return error.reason.type === 'out-of-memory' ? 'out-of-memory' : 'exited'
  if (error instanceof RemoteError && isSyntaxError(error, filename)) return 'syntax-error'
  return 'thrown'
}

/** That it is the source itself which is wrong, and not something that the source compiles. */
function isSyntaxError({ remoteName, message, properties }: RemoteError, filename: string): boolean {
  const { line, column } = properties
  return remoteName === 'SyntaxError' && message.includes(`(${filename}:${String(line)}:${String(column)})`)
}

function resultOf({ outcome, answer, error }: Ending, filename: string) {
  const text = error === undefined ? (typeof answer?.text === 'string' ? answer.text : '') : textOf(error)
  return {
    ok: outcome === 'value',
    outcome,
    value: answer?.value,
    text: text.slice(0, maxTextLength),
    error: error instanceof DecodeError ? undefined : error,
    position: error instanceof RemoteError ? positionIn(error, filename) : undefined,
  }
}

/** An error as one reads it: what was thrown, or in one sentence what happened. */
function textOf(error: Error): string {
  if (!(error instanceof RemoteError))
    return error.message.split('\n')[0]?.replace(/ Its last words.*$/, '') ?? ''
  // What was thrown need not be an error.
  const isError = /^[A-Z]/.test(error.remoteName) || error.remoteStack !== ''
  return isError ? `${error.remoteName}: ${error.message}` : `Uncaught ${error.message}`
}

function positionIn(error: RemoteError, filename: string): RunResult['position'] {
  const { line, column } = error.properties
  // Other errors may have such properties, too, and mean something else.
  if (isSyntaxError(error, filename) && typeof line === 'number' && typeof column === 'number') {
    return { line, column }
  }
  for (const frame of error.remoteStack.split('\n')) {
    const at = frame.indexOf(`${filename}:`)
    const found = /^(\d+):(\d+)\)?$/.exec(at < 0 ? '' : frame.slice(at + filename.length + 1))
    if (found !== null) return { line: Number(found[1]), column: Number(found[2]) }
  }
  return undefined
}
