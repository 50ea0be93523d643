import { keptToken } from '../movement/flow/function-tokens.ts'
import { isClass, servedBy } from '../movement/flow/live-object.ts'
import { type MovementPlan, type PlanEntry, planOf } from '../movement/movement-plan.ts'
import { type LiveData, liveKind, type LiveToken, type LiveValues } from '../transport/live-values.ts'
import { RemoteRef } from './remote-ref.ts'

/** What a lane would do with values that stay where they are. */
export interface ExplainedLane {
  /** The number that the next value would get that has none yet. */
  readonly nextNumber: number
  /** The number that a value of this side has already. */
  numberOf(value: object): number | undefined
  /** The number, over there, of the object that a value stands for. */
  homeOf(value: object): number | undefined
  /** Whether the worker keeps the value of a reference. */
  isOwn(ref: RemoteRef<unknown>): boolean
}

/** A worker that has nothing yet. */
const noLane: ExplainedLane = {
  nextNumber: 1,
  numberOf: () => undefined,
  homeOf: () => undefined,
  isOwn: () => false,
}

/** While a call is explained: what it would take along that stays where it is. Nothing of that gets a number by it. */
export class ExplainedValues implements LiveValues {
  readonly #lane: ExplainedLane
  readonly #tokens = new Map<object, LiveToken>()
  readonly #captured = new Set<object>()
  #nextNumber: number
  #isInArguments = false

  constructor(lane = noLane) {
    this.#lane = lane
    this.#nextNumber = lane.nextNumber
  }

  /** From here on arguments are looked at, and no longer what the function refers to. */
  reachedArguments(): void {
    this.#isInArguments = true
  }

  lower(value: object): LiveToken | undefined {
    const token = this.#tokens.get(value) ?? this.#tokenOf(value)
    if (token === undefined) return undefined
    if (!this.#isInArguments) this.#captured.add(value)
    this.#tokens.set(value, token)
    return token
  }

  #tokenOf(value: object): LiveToken | undefined {
    if (value instanceof RemoteRef) {
      value.checkHeld()
      return { kind: liveKind.home, number: value.number, data: null }
    }
    const home = this.#lane.homeOf(value)
    if (home !== undefined) return { kind: liveKind.home, number: home, data: null }
    const served = servedBy(value)
    if (served !== undefined) return keptToken(this.#numbered(value, served.kind, served.data))
    if (typeof value !== 'function' || isClass(value)) return undefined
    return this.#numbered(value, liveKind.function, value.name.slice(0, 80))
  }

  #numbered(value: object, kind: number, data: LiveData): LiveToken {
    return { kind, number: this.#lane.numberOf(value) ?? this.#nextNumber++, data }
  }

  raise(): never {
    throw new Error('Nothing is decoded to explain a call.')
  }

  /** The plan with what there was; a call that is refused takes nothing along. */
  added(plan: MovementPlan, args: readonly unknown[]): MovementPlan {
    if (plan.entries.some(({ action }) => action === 'refused')) return plan
    return planOf([...plan.entries, ...this.#entries(args)])
  }

  /** About how many bytes have to go ahead for references of other workers that the function has captured. */
  get copiedBytes(): number {
    let bytes = 0
    for (const value of this.#captured)
      if (value instanceof RemoteRef && !this.#lane.isOwn(value)) bytes += value.bytes
    return bytes
  }

  /**
   * What there was.
   * @param args - the arguments, to name those that are such values by themselves
   */
  #entries(args: readonly unknown[]): PlanEntry[] {
    const isOwn = (ref: RemoteRef<unknown>): boolean => this.#lane.isOwn(ref)
    return [...this.#tokens.keys()].map((value) => {
      const index = args.indexOf(value)
      const kind = this.#captured.has(value) ? 'capture' : 'argument'
      const name = index >= 0 ? `args[${index}]` : nameOf(value)
      return { name, kind, origin: undefined, ...wayOf(value, isOwn) }
    })
  }
}

function nameOf(value: object): string {
  if (value instanceof RemoteRef) return `reference ${value.number}`
  return typeof value === 'function' ? value.name || 'callback' : 'channel'
}

function wayOf(
  value: object,
  isOwn: (ref: RemoteRef<unknown>) => boolean,
): Pick<PlanEntry, 'bytes' | 'action' | 'reason'> {
  if (!(value instanceof RemoteRef)) {
    const what = typeof value === 'function' ? 'A function that is called from over there' : 'A channel'
    return {
      bytes: 0,
      action: 'reference',
      reason: `${what} stays where it is: its number goes, with the others.`,
    }
  }
  const { type, bytes, worker } = value
  if (isOwn(value)) {
    const reason = `The worker keeps it (${type}, about ${bytes} bytes): its number goes, with the others.`
    return { bytes: 0, action: 'reference', reason }
  }
  const reason = `Worker ${worker} keeps it (${type}): it is fetched first, then sent. The bytes are an estimate.`
  return { bytes, action: 'sent', reason }
}
