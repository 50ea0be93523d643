import type { InterruptRequest } from '../transport/messages.ts'
import type { CallTable } from './call-table.ts'
import { clearAsyncIdStack, canClearAsyncIdStack } from './async-id-stack.ts'
import type { OutputHold } from './output-hold.ts'
import { endCallbacks, endReason, type RunningCall } from './running-call.ts'
import {
  type AliveAnswer,
  type AliveQuestion,
  cell,
  decision,
  type Preparation,
  prepareProperty,
} from './sentinel-messages.ts'
import type { SentinelPort } from './sentinel-port.ts'
import { type SpinningStack, spinningStack } from './spinning-stack.ts'
import { monotonicMs } from '../transport/monotonic.ts'

// Taken before user code can replace them: fake timers are an ordinary thing to have in a worker.
const { compareExchange, load, store } = Atomics
const { setTimeout } = globalThis

/** How long the prepare step holds the main thread still for the sentinel before it lets go. */
const holdMs = 5_000

/** How long a call that may have been harmed by a cut has to prove itself by settling. */
const collateralMs = 1_000

/** Which calls are meant. */
type Targets = Pick<InterruptRequest, 'upToCallId' | 'callId'>

interface Cut {
  readonly interruptId: number
  readonly at: string
  readonly callIds: number[]
  readonly losesMicrotasks: boolean
}

/** What the interruption needs of the rest of the child. */
export interface InterruptionOptions {
  readonly table: CallTable
  readonly sentinel: SentinelPort
  readonly cells: Int32Array
  /** Holds code that prints; undefined where nothing can be cut off. */
  readonly output: OutputHold | undefined
  /** The file of this code, to know its frames; undefined where nothing can be cut off. */
  readonly runtimeFile: string | undefined
  /** Directories of the code by which this worker is itself a host. May grow. */
  readonly hostPlaces: readonly string[]
  /** After a cut: whatever was under way in the runtime goes on. */
  readonly recover: () => void
  /** Whether the user code on the stack is there for the runtime's sake. */
  readonly mustNotCut: () => boolean
  /** Follows a promise again whose reactions may have been dropped. */
  readonly follow: (call: RunningCall) => void
  readonly endAsCollateral: (call: RunningCall, at: string) => void
}

/**
 * The main thread's part of an interrupt: says that it is there, ends calls, and, evaluated by the sentinel in the
 * middle of a spinning loop, decides whether that loop may be cut off at this very point.
 *
 * Nothing here may rely on `finally` or on being called twice: a cut unwinds to the event loop without either.
 */
class Interruption {
  readonly #options: InterruptionOptions
  /** Cut off and not yet recovered from. */
  #cut: Cut | undefined
  #needsRecovery = false
  /** Ended, and not yet told so by their abort signal: user code must not run inside the prepare step. */
  #unsignalled: RunningCall[] = []
  /** Calls that the data lane has ended, of which their ladders are still to tell. */
  readonly #endedInOrder = new Set<number>()
  /** Calls that are to end by themselves. */
  #told: RunningCall[] = []

  constructor(options: InterruptionOptions) {
    this.#options = options
    options.sentinel.on('message', (question) => {
      if (question.type === 'beat?') options.sentinel.postMessage({ type: 'beat', beat: question.beat })
      else this.#answer(question)
    })
    const { output, runtimeFile, hostPlaces } = options
    if (runtimeFile === undefined) return
    const prepare = (request: InterruptRequest): Preparation => {
      const stack = spinningStack(prepare, runtimeFile, hostPlaces, output?.isHolding === true)
      const prepared = this.#prepare(request, stack)
      if (prepared.decision !== decision.cut) output?.release()
      return prepared
    }
    Object.defineProperty(globalThis, prepareProperty, { value: prepare })
  }

  #targets(request: Targets): RunningCall[] {
    const calls = this.#options.table.unsettled()
    if (request.callId > 0) return calls.filter((call) => call.id === request.callId)
    return calls.filter((call) => !call.background && call.id <= request.upToCallId)
  }

  /** They may be about to be answered, so that they can't be ended here; but what they would wait for is refused. */
  #mustEnd(calls: readonly RunningCall[]): void {
    for (const call of calls) {
      if (call.mustEnd) continue
      call.mustEnd = true
      this.#told.push(call)
    }
  }

  /** Takes the calls out of the table; their answers are dropped from here on. */
  #end(calls: readonly RunningCall[]): number[] {
    for (const call of calls) {
      call.settled = true
      call.isEnded = true
      this.#options.table.remove(call)
      this.#unsignalled.push(call)
    }
    return calls.map((call) => call.id)
  }

  /** As `#end`, and answers for those as well that the data lane has ended before. */
  #endTargets(request: Targets, targets: readonly RunningCall[]): number[] {
    const callIds = this.#end(targets)
    if (this.#endedInOrder.delete(request.callId)) callIds.push(request.callId)
    return callIds
  }

  /**
   * The host has settled this call, and sends what it sends from now on behind this: none of it is for this call. Its
   * ladder comes by another lane, before or after, and tells the host; what spins from here on is for that to cut off.
   */
  endInOrder(callId: number): void {
    const calls = this.#targets({ callId, upToCallId: 0 })
    if (calls.length === 0) return
    this.#endedInOrder.add(callId)
    this.#end(calls)
    this.#signal(undefined)
  }

  /** Runs in the event loop: it turns, so nothing spins. */
  #answer({ request, round }: AliveQuestion): void {
    const cut = this.#cut
    const { table, sentinel } = this.#options
    this.recoverIfCut()
    this.#cut = undefined
    const lastCallId = table.refuse(request)
    // By themselves, and so they have been answered.
    const haveEnded = this.#told.some((call) => call.settled && call.reason !== undefined && !call.isEnded)
    this.#told = []
    const callIds = this.#endTargets(request, this.#targets(request))
    if (cut?.interruptId === request.interruptId) callIds.push(...cut.callIds)
    const answer: AliveAnswer = {
      type: 'alive',
      interruptId: request.interruptId,
      round,
      callIds,
      haveEnded,
      lastCallId,
      cutAt: cut?.interruptId === request.interruptId ? cut.at : undefined,
    }
    sentinel.postMessage(answer)
    this.#signal(cut?.at)
  }

  /** Also asked by whatever of the runtime runs first after a cut, which need not be the answer. */
  recoverIfCut(): void {
    if (!this.#needsRecovery || this.#cut === undefined) return
    this.#needsRecovery = false
    this.#recover(this.#cut)
  }

  #recover(cut: Cut): void {
    const { table, recover, follow, endAsCollateral } = this.#options
    table.leave()
    recover()
    if (!cut.losesMicrotasks) return
    for (const call of table.unsettled()) {
      // Its promise may have settled in the very round that was cut; then only our reaction was lost.
      follow(call)
      // A stream goes on for as long as it likes: it proves itself by its next item.
      const isSound = call.stream?.suspect()
      setTimeout(() => {
        if (call.settled || isSound?.() === true) return
        this.#end([call])
        endAsCollateral(call, cut.at)
        this.#signal(cut.at)
      }, collateralMs)
    }
  }

  /** Tells ended calls by their abort signal. Last of all, since listeners may do anything. */
  #signal(at: string | undefined): void {
    const calls = this.#unsignalled
    this.#unsignalled = []
    for (const call of calls) {
      const { controller, stream, endings } = call
      if (controller !== undefined || endings !== undefined) {
        const reason = endReason(call, at)
        for (const end of endings ?? []) end(reason)
        if (controller !== undefined) this.#options.table.inContext(call, () => controller.abort(reason))
      }
      endCallbacks(call)
      if (stream !== undefined) this.#options.table.inContext(call, () => stream.interrupted())
    }
  }

  /** Evaluated by the sentinel on top of whatever the main thread is doing. */
  #prepare(request: InterruptRequest, stack: SpinningStack): Preparation {
    const { table, cells } = this.#options
    const give = (value: number, callIds: number[]): Preparation => {
      store(cells, cell.decision, value)
      return { decision: value, at: stack.at, callIds, lastCallId: table.refuse(request) }
    }
    // An evaluation can wait for minutes behind a native call; by then its ladder may be over.
    if (load(cells, cell.ladder) !== request.interruptId) return give(decision.denied, [])
    if (!canClearAsyncIdStack()) return give(decision.impossible, [])
    // Within Node's or our own code the context may be another call's, or none yet.
    if (this.#options.mustNotCut()) return give(decision.retry, [])
    if (!stack.isUserCode && !table.isHeld) {
      this.#mustEnd(this.#targets(request))
      this.#options.output?.want()
      return give(decision.retry, [])
    }
    const spinning = table.current()
    const targets = this.#targets(request)
    if (spinning !== undefined && !spinning.settled && !targets.includes(spinning)) {
      return give(decision.spare, this.#endTargets(request, targets))
    }
    // Whatever is met from here on is somewhere else.
    table.isHeld = false
    this.#options.output?.cut()
    store(cells, cell.decision, decision.cut)
    if (!this.#holdStill())
      return { decision: decision.withdrawn, at: stack.at, callIds: [], lastCallId: table.refuse(request) }
    const callIds = this.#endTargets(request, targets)
    const { interruptId } = request
    this.#cut = {
      interruptId,
      at: stack.at,
      callIds,
      losesMicrotasks: stack.losesMicrotasks || (this.#needsRecovery && this.#cut?.losesMicrotasks === true),
    }
    this.#needsRecovery = true
    clearAsyncIdStack()
    return { decision: decision.cut, at: stack.at, callIds, lastCallId: table.refuse(request) }
  }

  /**
   * Waits until the termination is queued behind this evaluation, so that not one more step of the loop runs.
   * Spins: `Atomics.wait` here, inside an interrupted `Atomics.wait`, crashes the process.
   */
  #holdStill(): boolean {
    const { cells } = this.#options
    const deadline = monotonicMs() + holdMs
    for (;;) {
      const seen = load(cells, cell.decision)
      if (seen === decision.released) return true
      if (seen === decision.denied) return false
      if (seen !== decision.cut || monotonicMs() < deadline) continue
      const before = compareExchange(cells, cell.decision, decision.cut, decision.withdrawn)
      if (before === decision.cut) return false
    }
  }
}

/** Listens to the sentinel from now on. */
export function startInterruption(
  options: InterruptionOptions,
): Pick<Interruption, 'recoverIfCut' | 'endInOrder'> {
  return new Interruption(options)
}
