import { EncodeError } from '../errors/data-errors.ts'
import { ReleasedError } from '../errors/flow-errors.ts'
import { permitBytes, type PolicyInForce } from '../movement/capture-policy.ts'
import { contentOf } from '../movement/graph/content.ts'
import { prepareRuntimeFunction, runtimeFunction } from '../movement/runtime-function.ts'
import type { Codec } from '../transport/codec.ts'
import { frameBytes } from '../transport/frame-chunks.ts'
import type { Calls } from './calls.ts'
import type { KeepOptions, RemoteRef } from './remote-ref.ts'

type AnyRef = RemoteRef<unknown>

/** What a call says that is refused because values have to be fetched for it first. */
interface Fetching {
  readonly options: KeepOptions | undefined
  readonly policy: PolicyInForce
}

/** A reference of another worker stands where only values of this one, and data, can go. */
class ForeignReference extends Error {
  readonly ref: AnyRef

  constructor(ref: AnyRef) {
    super(
      `${ref.toString()} is fetched first by \`call\` and \`keep\`, but not here: pass what its \`get\` gives`,
    )
    this.ref = ref
  }
}

/** What the fetching of values needs of the worker that they are fetched for. */
export interface FetchingWorker {
  readonly calls: Pick<Calls, 'keepPrepared'>
  readonly codec: () => Codec
  /** Variables that have the reference as their value are to let go of what stood for it. */
  readonly unbind: (ref: AnyRef) => void
}

/** References of other workers among what goes to one: their values are fetched, and kept there as long as the call needs them. */
export class ForeignReferences {
  readonly #worker: FetchingWorker
  /** While a call is encoded: what stands in this worker for references of others. */
  #copies: ReadonlyMap<AnyRef, AnyRef> | undefined
  #copiedBytes = 0

  constructor(worker: FetchingWorker) {
    this.#worker = worker
  }

  /** While a call is encoded: the bytes that went ahead of it for references that its function has captured. */
  get copiedBytes(): number {
    return this.#copiedBytes
  }

  /** What stands in this worker for a reference of another one. Throws if nothing does. */
  copyOf(ref: AnyRef): AnyRef {
    const copy = this.#copies?.get(ref)
    if (copy === undefined) throw new ForeignReference(ref)
    return copy
  }

  /**
   * What is to be done about a call that was refused as it was encoded.
   * @returns its result, if all that was wrong is that values of other workers have to be fetched first
   * @throws the error, in better words if it is about a reference
   */
  afterFetch(error: unknown, asked: Fetching, begin: () => Promise<unknown>): Promise<unknown> {
    const cause = causeOf(error)
    if (cause instanceof ForeignReference) return this.#fetchFirst(error, cause.ref, asked, begin)
    throw cause instanceof ReleasedError ? cause : error
  }

  async #fetchFirst(
    refusal: unknown,
    first: AnyRef,
    { options: { timeoutMs: limitMs, signal: abortSignal } = {}, policy }: Fetching,
    begin: () => Promise<unknown>,
  ): Promise<unknown> {
    const copies = new Map<AnyRef, AnyRef>()
    let bytes = 0
    const options = {
      ...(limitMs === undefined ? {} : { timeoutMs: limitMs }),
      ...(abortSignal === undefined ? {} : { signal: abortSignal }),
    }
    try {
      for (let foreign = first, error = refusal; ;) {
        // One after the other: which they are is found out by trying.
        const value = await foreign.get(options)
        if (!isOfArguments(error)) {
          bytes += this.#permittedBytes(value, policy, bytes, foreign)
        }
        const same = prepareRuntimeFunction(runtimeFunction.same)
        copies.set(foreign, await this.#worker.calls.keepPrepared(same, [value], options))
        try {
          this.#copies = copies
          this.#copiedBytes = bytes
          const result = begin()
          this.#began()
          return await result
        } catch (caught) {
          this.#began()
          const cause = causeOf(caught)
          if (!(cause instanceof ForeignReference) || copies.has(cause.ref)) throw caught
          foreign = cause.ref
          error = caught
        }
      }
    } finally {
      for (const [foreign, copy] of copies) {
        this.#worker.unbind(foreign)
        copy.dispose()
      }
    }
  }

  #began(): void {
    this.#copies = undefined
    this.#copiedBytes = 0
  }

  /** The bytes of a fetched value that goes because a function has captured its reference. Throws if they are too many. */
  #permittedBytes(value: unknown, policy: PolicyInForce, before: number, ref: AnyRef): number {
    if (typeof policy !== 'object' || policy.maxBytes === undefined) return 0
    const bytes = frameBytes(contentOf(this.#worker.codec(), value, ref.toString()).body)
    permitBytes(policy, before + bytes, 'fn', ref.toString())
    return bytes
  }
}

/** Whether the value that an error is about is in the arguments, and not in what the function refers to. */
const isOfArguments = (error: unknown): boolean =>
  error instanceof EncodeError && error.path.startsWith('args')

/** An error about a value in the depth of others has the reason as its cause. */
function causeOf(error: unknown): unknown {
  let cause = error
  for (let depth = 0; depth < 4 && cause instanceof Error && isDataError(cause); depth++) cause = cause.cause
  return cause
}

const isDataError = (error: Error): boolean => error instanceof EncodeError || error.name === 'CaptureError'
