import { whyNotSendable } from '../movement/sendable.ts'
import { thrownData } from '../movement/thrown-data.ts'
import type { Codec } from '../transport/codec.ts'
import type { FrameWriter } from '../transport/frame-writer.ts'
import type { CallFailure, ThrownData } from '../transport/messages.ts'
import { frameFlag, frameType } from '../transport/protocol.ts'
import type { RunningCall } from './running-call.ts'

/** Says why there is no value: of a call, or of a worker that never came to be ready. */
export class FailureWriter {
  readonly #writer: FrameWriter
  readonly #trial: Codec
  readonly #clean: (stack: string) => string

  /**
   * @param trial - tells whether a value can be sent as data, and keeps nothing of it
   * @param clean - takes out of a stack what is not the user's
   */
  constructor(writer: FrameWriter, trial: Codec, clean: (stack: string) => string) {
    this.#writer = writer
    this.#trial = trial
    this.#clean = clean
  }

  /** What was thrown, as data. */
  thrown(error: unknown): ThrownData {
    return thrownData(error, (value) => whyNotSendable(this.#trial, value) === undefined, this.#clean)
  }

  ofCall({ id, cast }: RunningCall, failure: CallFailure): void {
    this.#frame(frameType.error, cast ? frameFlag.cast : 0, id, failure)
  }

  ofBoot(step: string, error: unknown): void {
    this.#frame(frameType.bootFailed, 0, 0, { kind: 'thrown', thrown: this.thrown(error) }, step)
  }

  #frame(type: number, flags: number, id: number, failure: CallFailure, step?: string): void {
    const body = (told: CallFailure): object => (step === undefined ? told : { step, failure: told })
    try {
      this.#writer.frame(type, flags, id, 0, body(failure), 'error')
    } catch {
      // Over a limit, most likely: the words that matter, cut to a size that fits anything.
      this.#writer.frame(type, flags, id, 0, body(shortened(failure)), 'error')
    }
  }
}

const shortText = (text: string): string => text.slice(0, 4096)

function shortened(failure: CallFailure): CallFailure {
  if (failure.kind !== 'thrown') return { ...failure, message: '', path: '' } as CallFailure
  const { isError, name, message, stack } = failure.thrown
  const thrown = {
    isError,
    name: shortText(name),
    message: shortText(message),
    stack: shortText(stack),
    properties: {},
  }
  return { kind: 'thrown', thrown }
}
