import { CallTimeoutError } from '../errors/call-errors.ts'
import type { ExitReason } from '../errors/exit-reason.ts'
import { WorkerDiedError, WorkerStoppedError } from '../errors/worker-errors.ts'
import { prepareRuntimeFunction, runtimeFunction } from '../movement/runtime-function.ts'
import type { CallOptions } from './call-options.ts'
import type { RunOptions } from './evaluate-options.ts'
import type { CapturedOutput, OutputCapture } from './output/output-capture.ts'
import type { RunWorker } from './run.ts'

/** How long the end of the output may take to come once the code has ended: more than the child waits for it. */
const outputMs = 5_000
/** How long a worker that did not answer then has to prove itself. */
const proofMs = 2_000
/** As the two above, for one that was cut off by force: it has had its time. */
const cutMs = 1_000

/** What the child answers once a marker is written. */
interface Marked {
  readonly stdout?: unknown
  readonly stderr?: unknown
  /** The answer to a run of `1+1`. */
  readonly proof?: { readonly value?: unknown }
}

/** Takes the output of one run out of the worker's: what it writes between two markers. */
export class RunOutput {
  readonly #worker: RunWorker
  readonly #from: Buffer
  readonly #to: Buffer
  readonly #captures: readonly OutputCapture[]
  /** Nobody would end what is left stuck, so it has to be found out. */
  readonly #mustProve: boolean

  constructor(worker: RunWorker, options: RunOptions, maxBytes: number) {
    this.#worker = worker
    this.#mustProve = worker.options.onStuck === 'kill'
    const { process, random } = worker
    const from = Buffer.from(`\0${random.token()}\0`)
    const to = Buffer.from(`\0${random.token()}\0`)
    this.#from = from
    this.#to = to
    this.#captures = [
      process.stdout.capture({ from, to, maxBytes, onText: options.onStdout }),
      process.stderr.capture({ from, to, maxBytes, onText: options.onStderr }),
    ]
  }

  /** Comes behind all that was printed before. Foreground: the run has begun, and an interrupt means it. */
  async begin(given: CallOptions): Promise<void> {
    await this.#mark(this.#from, false, given)
  }

  /**
   * Comes behind all output, and finds out what state the worker is in. What the code left spinning is cut off by the
   * timeout of the first look. A worker that even then does not work is not left to who comes next, but ended.
   * @param wasCut - by force, perhaps by that of a kill which is under way. Otherwise a worker that is being stopped is
   *   not waited for: it may drain, and the next call wants its turn. Its streams will end.
   * @returns why the process ended, if it did
   */
  async end(wasCut: boolean): Promise<ExitReason | undefined> {
    try {
      const first = await this.#firstLook(wasCut ? cutMs : outputMs)
      const isSound = first ?? (!this.#mustProve || (await this.#look(undefined, wasCut ? cutMs : proofMs)))
      if (isSound) return undefined
    } catch (error) {
      if (error instanceof WorkerDiedError) return (await this.#exitWithin(proofMs)) ?? error.reason
      if (error instanceof WorkerStoppedError) return wasCut ? this.#exitWithin(proofMs) : undefined
    }
    this.#finish()
    if (!this.#mustProve) return undefined
    const { process, exited } = this.#worker
    process.kill('unresponsive', new Error('After a run the worker did not even give 1+1.'))
    return exited
  }

  /** All that came between the markers, once it has. */
  async collect(): Promise<CapturedOutput[]> {
    const { clock } = this.#worker
    const impatience = clock.setTimeout(() => this.#finish(), outputMs)
    const outputs = await Promise.all(this.#captures.map((capture) => capture.done))
    clock.clearTimeout(impatience)
    return outputs
  }

  /** Undefined if the worker did not answer in time. */
  async #firstLook(limitMs: number): Promise<boolean | undefined> {
    try {
      return await this.#look(this.#to, limitMs)
    } catch (error) {
      if (!(error instanceof CallTimeoutError)) throw error
      this.#finish()
      return undefined
    }
  }

  async #look(marker: Buffer | undefined, timeoutMs: number): Promise<boolean> {
    const { proof } = await this.#mark(marker, this.#mustProve, { timeoutMs, background: true })
    return proof?.value === 2 || !this.#mustProve
  }

  /** Has a marker written behind all that was printed so far. Where that can't be, nobody waits for it. */
  async #mark(marker: Buffer | undefined, proves: boolean, given: CallOptions): Promise<Marked> {
    const mark = prepareRuntimeFunction(runtimeFunction.mark)
    const written = await this.#worker.calls.startPrepared(mark, [marker, proves], given, true)
    const { stdout, stderr, proof } = (written ?? {}) as Marked
    if (stdout !== true) this.#captures[0]?.finish()
    if (stderr !== true) this.#captures[1]?.finish()
    return { stdout, stderr, ...(proof === undefined ? {} : { proof }) }
  }

  #finish(): void {
    for (const capture of this.#captures) capture.finish()
  }

  #exitWithin(limitMs: number): Promise<ExitReason | undefined> {
    const { clock, exited } = this.#worker
    return new Promise((resolve) => {
      const timer = clock.setTimeout(() => resolve(undefined), limitMs)
      void exited.then((reason) => {
        clock.clearTimeout(timer)
        resolve(reason)
      })
    })
  }
}
