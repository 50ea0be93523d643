import { DecodeError } from '../errors/data-errors.ts'
import type { AnyFunction } from '../movement/function-source.ts'
import type { Imported, ImportKind } from '../movement/flow/imports.ts'
import type { LiveLane } from '../movement/flow/live-lane.ts'
import type { MovementPlan } from '../movement/movement-plan.ts'
import { prepareRuntimeFunction, runtimeFunction } from '../movement/runtime-function.ts'
import type { IncomingFrame } from '../transport/frame-reader.ts'
import { liveKind, type LiveToken } from '../transport/live-values.ts'
import { frameFlag, frameType } from '../transport/protocol.ts'
import { callOptionChecks } from './call-options.ts'
import type { Calls } from './calls.ts'
import type { CallsOptions } from './calls-options.ts'
import { ExplainedValues } from './explained-values.ts'
import { ForeignReferences } from './foreign-references.ts'
import { boolean, checkOptions } from './option-checks.ts'
import { afterTurn } from './pending-calls.ts'
import { type GetOptions, type KeepOptions, type RefFacts, type RefHome, RemoteRef } from './remote-ref.ts'

/** A value that a worker keeps. */
export interface KeptInfo {
  /** The number of its reference. */
  readonly number: number
  /** What it is, in a word: `Array`, `Map`, the name of its class. */
  readonly type: string
  /** About how much memory it took when it was kept. */
  readonly bytes: number
  /** How long it has been kept, in milliseconds. */
  readonly ageMs: number
}

type AnyRef = RemoteRef<unknown>

const homes = new WeakMap<LiveLane, References>()

/** What stands here for values that a worker keeps. */
export const referenceKind: ImportKind = {
  make({ lane, number, data }: Imported): AnyRef {
    const [, state, bytes, type] = /^(kept|relayed) (\d{1,16}) (.{1,200})$/s.exec(String(data)) ?? []
    const home = homes.get(lane)
    if (home === undefined || type === undefined) throw new Error('It is no reference.')
    return home.made({ number, type, bytes: Number(bytes), isRelayed: state === 'relayed' })
  },
  over(ref) {
    ;(ref as AnyRef).forgetCopy()
  },
}

/** The token of a reference on a lane to a worker; undefined for all other values. Throws if it can't go there. */
export function referenceToken(lane: LiveLane, value: object): LiveToken | undefined {
  const home = homes.get(lane)
  if (home?.explained !== undefined) return home.explained.lower(value)
  return value instanceof RemoteRef ? home?.tokenOf(value) : undefined
}

/** References are looked through, for those that are not used any more, when there are more than this. */
const leastRefs = 256

const { timeoutMs, signal, background } = callOptionChecks
const { result: _, ...keepChecks } = callOptionChecks

/** @throws {TypeError | RangeError} naming the option, what was given and what is expected */
export function checkKeepOptions(options: KeepOptions): void {
  checkOptions('`keep`', options, keepChecks)
}

const getChecks = { timeoutMs, signal, background, fresh: boolean }

/** What one incarnation of a worker keeps for this process. */
export class References implements RefHome {
  readonly #options: CallsOptions
  readonly #calls: Calls
  /** Those that may be in use here. */
  readonly #refs = new Set<WeakRef<AnyRef>>()
  #pruneAt = leastRefs
  /** References of other workers, among what goes to this one. */
  readonly foreign: ForeignReferences
  /** While a call is encoded: those that it is given. */
  #given: ReadonlySet<AnyRef> | undefined
  #givingCalls = 0
  /** While a value is fetched, which changes nothing. */
  #isFetching = false
  /** While a call is explained. */
  explained: ExplainedValues | undefined

  constructor(options: CallsOptions, calls: Calls) {
    this.#options = options
    this.#calls = calls
    this.foreign = new ForeignReferences({
      calls,
      codec: () => options.process.codec,
      unbind: (ref) => this.#unbind(ref),
    })
    homes.set(options.process.live, this)
  }

  get path(): string {
    return this.#options.identity.path
  }

  made(facts: Omit<RefFacts, 'madeMs'>): AnyRef {
    const ref = new RemoteRef<unknown>(this, { ...facts, madeMs: this.#options.clock.nowMs() })
    this.#refs.add(new WeakRef(ref))
    if (this.#refs.size > this.#pruneAt) {
      this.#prune()
      this.#pruneAt = Math.max(leastRefs, this.#refs.size * 2)
    }
    return ref
  }

  #prune(): void {
    for (const weak of this.#refs) if (weak.deref()?.isReleased !== false) this.#refs.delete(weak)
  }

  list(): KeptInfo[] {
    const nowMs = this.#options.clock.nowMs()
    const list: KeptInfo[] = []
    if (this.#options.refusal() !== undefined) return list
    this.#prune()
    for (const weak of this.#refs) {
      const ref = weak.deref()
      if (ref === undefined) continue
      const { number, type, bytes } = ref
      list.push({ number, type, bytes, ageMs: nowMs - ref.facts.madeMs })
    }
    return list
  }

  tokenOf(ref: AnyRef): LiveToken | undefined {
    const own = ref.home === this ? ref : this.foreign.copyOf(ref)
    own.checkHeld()
    if (!this.#isFetching) this.#give(own)
    return { kind: liveKind.home, number: own.number, data: null }
  }

  /** Whoever is given it may change the value: a call until it has settled, all others for good. */
  #give(ref: AnyRef): void {
    if (this.#givingCalls > 0 && this.#given?.has(ref) === true) return
    ref.beginUse()
    if (this.#givingCalls > 0) this.#given = new Set(this.#given).add(ref)
  }

  /**
   * From here to `given` a call is encoded.
   * @returns for `given`: what the call was given in whose arguments a getter makes this one
   */
  giving(): ReadonlySet<AnyRef> | undefined {
    const outer = this.#given
    this.#given = undefined
    this.#givingCalls++
    return outer
  }

  /** Answers what is to be told to `settled` when the call has. */
  given(outer: ReadonlySet<AnyRef> | undefined): ReadonlySet<AnyRef> | undefined {
    const given = this.#given
    this.#given = outer
    this.#givingCalls--
    return given
  }

  async get(ref: AnyRef, options: GetOptions = {}): Promise<unknown> {
    checkOptions('`get`', options, getChecks)
    const name = ref.facts.isRelayed ? runtimeFunction.valueOf : runtimeFunction.same
    const prepared = prepareRuntimeFunction(name)
    let fetched: Promise<unknown>
    this.#isFetching = true
    try {
      fetched = this.#calls.startPrepared(prepared, [ref], options)
    } finally {
      this.#isFetching = false
    }
    return fetched
  }

  async map(ref: AnyRef, fn: AnyFunction, [options]: readonly [options?: KeepOptions]): Promise<AnyRef> {
    if (ref.facts.isRelayed) {
      throw new TypeError(
        `${ref.toString()} is kept by a worker of that worker: map it there, or fetch it by \`get\`.`,
      )
    }
    return this.#calls.keep(fn, [ref], options)
  }

  /** Calls that wait for their turn may still need it, and have its number only. */
  release(ref: AnyRef): void {
    const { pending } = this.#calls
    const held = pending.all().filter(({ sentAt }) => sentAt === 0)
    const release = (): void => {
      this.#unbind(ref)
      this.#options.process.live.imports.release(ref)
    }
    if (held.length === 0) release()
    else
      void Promise.all(held.map((call) => new Promise<void>((done) => afterTurn(call, done)))).then(release)
  }

  /** Variables of modules that have it as their value hold it over there, too. */
  #unbind(ref: AnyRef): void {
    const { ledger } = this.#calls.sender
    for (const id of ledger.boundTo(ref)) {
      const contents = ledger.unbind(id)
      if (this.#options.refusal() !== undefined) continue
      const drop = prepareRuntimeFunction(runtimeFunction.dropHeld)
      this.#calls.startPrepared(drop, [id, contents], { background: true }, true).catch(() => {})
    }
  }

  /** The result of a call that was to be kept, and should have been. */
  async checked(result: Promise<unknown>): Promise<AnyRef> {
    const ref = await result
    if (ref instanceof RemoteRef) return ref
    const { identity, process } = this.#options
    const message = `Worker ${identity.path} answered with a value, where it was to keep it.`
    throw new DecodeError(message, { worker: identity.path, pid: process.pid, reason: 'reference' })
  }

  /** The answer of a call that nobody waits for any more. */
  late(frame: IncomingFrame): void {
    const { type, flags, start, end } = frame
    if (type !== frameType.result || (flags & frameFlag.nodeTable) === 0 || end - start > 1024) return
    try {
      const value = this.#options.process.codec.decode(frame)
      if (value instanceof RemoteRef) value.dispose()
    } catch {
      // Whatever it is, nobody is there to be told.
    }
  }

  /**
   * Adds to the plan of a call what it would take along that stays where it is.
   * @param args - its arguments
   */
  explaining(args: readonly unknown[], explain: (explained: ExplainedValues) => MovementPlan): MovementPlan {
    const { exports, imports } = this.#options.process.live
    const explained = new ExplainedValues({
      nextNumber: exports.nextNumber,
      numberOf: (value) => exports.of(value)?.number,
      homeOf: (value) => imports.numberOf(value),
      isOwn: ({ home }) => home === this,
    })
    this.explained = explained
    try {
      return explained.added(explain(explained), args)
    } finally {
      this.explained = undefined
    }
  }
}
