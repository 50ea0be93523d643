import { type CallBytes, planMovement } from '../movement/plan.ts'
import type { MovementPlan } from '../movement/movement-plan.ts'
import type { PolicyInForce } from '../movement/capture-policy.ts'
import type { Ledger, Step } from '../movement/graph/ledger.ts'
import { type Captures, definitionFor, type Shipment } from '../movement/shipment.ts'
import type { Clock } from '../transport/clock.ts'
import type { EncodedBody } from '../transport/codec.ts'
import { encodedBytes } from '../transport/frame-writer.ts'
import { forgotten, frameType, headerBytes } from '../transport/protocol.ts'
import { keepBody, type Mailbox } from './mailbox.ts'
import { MovementAccount } from './movement-account.ts'
import { permitCall } from './permit-call.ts'
import type { WorkerProcess } from './worker-process.ts'

/** A call on its way out: what runs, how, and what with. */
export interface Outgoing {
  /** `frameType.call`, or one of those that are like it. */
  readonly type: number
  readonly id: number
  readonly flags: number
  readonly shipment: Shipment
  readonly body: unknown
  /** It is part of what has the worker to itself: what waits for that does not keep it out. */
  readonly isDirect?: boolean
  readonly policy: PolicyInForce
  readonly captures: Captures | undefined
  /** What has gone ahead of it, of values that its function refers to. Default 0. */
  readonly copiedBytes?: number
}

const admitAll = (): void => {}

/** Told of a call that has been written. */
export interface CallWatcher {
  /** Whether `moved` is worth calling. */
  readonly isWatching: boolean
  moved(callId: number, plan: MovementPlan): void
}

/** Puts calls on the data lane, and before each what its function is, and refers to, as far as that is news. */
export class CallSender {
  readonly ledger: Ledger
  readonly #process: WorkerProcess
  readonly #mailbox: Mailbox
  readonly #watcher: CallWatcher
  /** What has moved so far. */
  readonly account: MovementAccount
  readonly #known = new Map<string, number>()
  /** Contents that functions were defined by. */
  readonly #pinned = new Set<number>()

  constructor(process: WorkerProcess, mailbox: Mailbox, watcher: CallWatcher, clock: Clock) {
    this.#process = process
    this.#mailbox = mailbox
    this.#watcher = watcher
    this.account = new MovementAccount(clock)
    this.ledger = process.ledger
  }

  /** Writes a call at once. Throws what it is refused for; then nothing was written. */
  write(outgoing: Outgoing): void {
    const { type, id, flags, shipment, body, isDirect } = outgoing
    const { codec, data } = this.#process
    const admit = isDirect === true ? admitAll : this.#mailbox.admit
    const known = this.#known.get(shipment.key)
    const steps = this.#stepsOf(outgoing)
    if (known !== undefined && steps.length === 0) {
      const before = data.bytesWritten
      data.frame(type, flags, id, known, body, 'args', admit)
      this.#written(outgoing, noSteps, { define: 0, call: data.bytesWritten - before })
      return
    }
    // What the call needs goes first, and must not go if the call can't.
    const kept = keepBody(codec.encode(body, 'args', Buffer.alloc(1024), 0, headerBytes))
    admit(encodedBytes(kept) + bytesOf(steps))
    this.#send(outgoing, kept, steps)
  }

  /**
   * Encodes a call now, so that later changes of the arguments don't show, and has it wait for its turn.
   * @param accepted - it will wait: nothing can refuse it any more
   * @param begin - called when it is its turn, to `send` it or not; the turn lasts until its promise settles
   */
  hold(
    outgoing: Outgoing,
    isBackground: boolean,
    accepted: () => void,
    begin: (send: () => void) => Promise<void>,
  ): void {
    const { codec } = this.#process
    const encoded = codec.encode(outgoing.body, 'args', Buffer.alloc(1024), 0, headerBytes)
    this.#mailbox.admit(encodedBytes(encoded))
    const kept = keepBody(encoded)
    this.#stepsOf(outgoing)
    accepted()
    this.#mailbox.hold(kept, isBackground, (held) =>
      begin(() => this.#send(outgoing, held, this.#stepsOf(outgoing))),
    )
  }

  /** What has to go ahead. @throws {CaptureError} if the policy forbids as much */
  #stepsOf({ shipment, policy, captures, copiedBytes = 0 }: Outgoing): readonly Step[] {
    const isHeld = shipment.survey === undefined || this.ledger.hasAll(shipment.survey)
    const steps = isHeld ? noSteps : this.ledger.steps(shipment.survey)
    if (typeof policy === 'object') permitCall(shipment, { policy, captures, copiedBytes }, steps, this)
    return steps
  }

  #send(outgoing: Outgoing, kept: EncodedBody, steps: readonly Step[]): void {
    const { data } = this.#process
    const { type, id, flags, shipment } = outgoing
    for (const step of steps) this.#writeStep(step)
    warnOfLarge(steps)
    const before = data.bytesWritten
    const functionId = this.#define(shipment)
    const define = data.bytesWritten - before
    if (shipment.survey !== undefined) this.ledger.settle(shipment.survey)
    data.encodedFrame(type, flags, id, functionId, kept)
    this.#written(outgoing, steps, { define, call: data.bytesWritten - before - define })
    if (steps.length > 0) this.#forgetExcess()
  }

  #forgetExcess(): void {
    const { ids, contents } = this.ledger.collected(this.#pinned)
    if (ids.length > 0) this.#forget(ids, forgotten.bindings)
    const excess = [...contents, ...this.ledger.excess(this.#pinned)]
    if (excess.length > 0) this.#forget(excess, forgotten.contents)
  }

  #forget(ids: readonly number[], what: number): void {
    const { data } = this.#process
    const before = data.bytesWritten
    data.frame(frameType.forget, 0, 0, what, ids, 'forget')
    this.account.dropped(data.bytesWritten - before)
  }

  /** Accounts for a call that is on its way. */
  #written({ shipment, id }: Outgoing, steps: readonly Step[], bytes: CallBytes): void {
    const isWatching = this.#watcher.isWatching
    if (bytes.call === 0) return
    if (!isWatching && steps.length === 0 && bytes.define === 0) {
      this.account.called(bytes.call)
      return
    }
    const plan = planMovement(shipment, steps, bytes)
    this.account.moved(plan)
    if (isWatching) this.#watcher.moved(id, plan)
  }

  #writeStep({ type, aux, body, commit }: Step): void {
    const { data } = this.#process
    const { buffer, start, end, flags, attachments } = body
    // The body may be on its way to another worker: its buffer, with room for a header, is not ours alone.
    if (attachments.length === 0) data.bytesFrame(type, flags, 0, aux, buffer.subarray(start, end))
    else data.encodedFrame(type, 0, 0, aux, keepBody(body))
    commit()
  }

  /** The worker's number for a function; tells it what the function is when that is news. */
  #define(shipment: Shipment): number {
    const known = this.#known.get(shipment.key)
    if (known !== undefined) return known
    const functionId = this.#known.size + 1
    const definition = definitionFor(shipment, this.ledger)
    this.#process.data.frame(frameType.define, 0, 0, functionId, definition, 'fn')
    if (definition.kind === 'live') this.#pinned.add(definition.content)
    this.#known.set(shipment.key, functionId)
    return functionId
  }

  /** Whether the worker has been told what the function is. */
  readonly isDefined = (shipment: Shipment): boolean => this.#known.has(shipment.key)
}

const noSteps: readonly Step[] = []
const bytesOf = (steps: readonly Step[]): number => steps.reduce((sum, { bytes }) => sum + bytes, 0)

/** From so many bytes on, what a function refers to is worth a warning. */
const largeBytes = 1_000_000
const warned = new Set<string>()

function warnOfLarge(steps: readonly Step[]): void {
  for (const { bytes, subject } of steps) {
    if (bytes < largeBytes) continue
    const what =
      subject === 'function'
        ? 'What a function has captured'
        : 'path' in subject
          ? `\`${subject.path}\``
          : 'A function'
    if (warned.has(what)) continue
    warned.add(what)
    process.emitWarning(
      `${what} took ${bytes} bytes on its way to a worker, and will again whenever it changes. Make it there and keep it ` +
        'there (`worker.keep(fn, args)` gives a reference that stands for it), or send the part that is needed.',
      'MaltsterWarning',
    )
  }
}
