import type { ChildKinds, ResolvedSpec } from '../spec/resolve-spec.ts'
import { Supervisor } from '../supervisor.ts'
import type {
  ChildIdentity,
  ChildKind,
  ChildListener,
  ChildPlace,
  ChildRun,
  ChildState,
} from './child-run.ts'
import { treeOf } from './child-tree.ts'
import { SupervisorActor } from './supervisor-actor.ts'
import type { TreeSeams } from './tree-seams.ts'

/** What is behind a supervisor that outlives its incarnations, as its handle sees it. */
export interface SupervisorSource {
  readonly id: string
  readonly spec: ResolvedSpec
  readonly kinds: ChildKinds
  /** The incarnation that is, or the last one that was; undefined before the first. */
  readonly current: SupervisorActor | undefined
  /** None for the root. */
  readonly place: ChildPlace | undefined
}

/** What the children of a supervisor that is down are shown as: they may come back with it, or not. */
const shownAs: Partial<Record<ChildState, ChildState>> = {
  waiting: 'waiting',
  'backing-off': 'backing-off',
  stopped: 'stopped',
  finished: 'stopped',
  skipped: 'stopped',
  removed: 'removed',
}

/** A supervisor as a child of another: its spec, read once, and what starts it anew for each incarnation. */
export class SupervisorKind implements ChildKind, SupervisorSource {
  readonly kind = 'supervisor'
  readonly id: string
  readonly spec: ResolvedSpec
  readonly kinds: ChildKinds
  readonly handle: Supervisor
  current: SupervisorActor | undefined
  place: ChildPlace | undefined
  readonly #seams: TreeSeams
  #watching: Disposable | undefined

  constructor(id: string, spec: ResolvedSpec, kinds: ChildKinds, seams: TreeSeams) {
    this.id = id
    this.spec = spec
    this.kinds = kinds
    this.#seams = seams
    this.handle = new Supervisor(this)
  }

  describe(): Readonly<Record<string, unknown>> {
    const { current, spec, id } = this
    if (current === undefined) return { strategy: spec.strategy, children: [] }
    const { strategy, budget, children, state } = treeOf(id, current)
    return { strategy, budget, children, supervisorState: state }
  }

  attach(place: ChildPlace): void {
    this.#watching?.[Symbol.dispose]()
    this.place = place
    this.#watching = place.subscribe(({ state, retryAtMs }) => {
      const shown = shownAs[state]
      if (shown !== undefined) this.current?.mirror(shown, retryAtMs)
    })
  }

  start({ path, incarnation }: ChildIdentity, listener: ChildListener): ChildRun {
    const actor = new SupervisorActor(this.spec, { path, incarnation }, this.#seams, listener)
    actor.above = this.place
    this.current = actor
    actor.start()
    return { pid: undefined, stop: (shutdownMs) => actor.end(shutdownMs === 0 ? 'kill' : 'stop') }
  }
}

/** Adds supervisors to the kinds of children that are leaves. */
export function treeKinds(leaves: Pick<ChildKinds, 'worker' | 'pool'>, seams: TreeSeams): ChildKinds {
  const kinds: ChildKinds = {
    worker: (options, spec) => leaves.worker(options, spec),
    pool: (options, spec) => leaves.pool(options, spec),
    supervisor: (spec, id) => new SupervisorKind(id, spec, kinds, seams),
  }
  return kinds
}
