import { createActor } from 'xstate'

import type { RestartBudget } from '../../actors/supervisor-events.ts'
import type { ExitReason } from '../../errors/exit-reason.ts'
import { type Death, type Decision, decide, type Restart } from '../decision/decide.ts'
import { RestartWindow } from '../decision/restart-window.ts'
import type { ResolvedChild, ResolvedSpec } from '../spec/resolve-spec.ts'
import type { ChildListener, ChildState } from './child-run.ts'
import type { Child, ChildLife } from './child.ts'
import { Children } from './children.ts'
import { placeOf } from './child-place.ts'
import { endedReason, limitError, notStarted, rollbackError } from './supervisor-ends.ts'
import { beginLife, type LifeHooks } from './begin-life.ts'
import { StartQueue } from './start-queue.ts'
import { inReverse, StopGroup, StopOrder } from './stop-order.ts'
import {
  type EndCause,
  supervisorMachine,
  type SupervisorState,
  supervisorStateOf,
} from './supervisor-machine.ts'
import { type SupervisorIdentity, SupervisorReports } from './supervisor-reports.ts'
import type { TreeSeams } from './tree-seams.ts'

/** A child that has died without being told to, and is not decided about yet. */
interface PendingDeath {
  readonly child: Child
  readonly life: ChildLife
  readonly reason: ExitReason
}

/**
 * One incarnation of a supervisor: the machine, its children in a plain map, and the rules tied together. It never waits:
 * whatever takes time comes back as an exit, a readiness or a timer, and `#goOn` takes it from there.
 */
export class SupervisorActor {
  readonly identity: SupervisorIdentity
  readonly spec: ResolvedSpec
  readonly children: Children
  readonly actor
  /** Resolves when all its children are gone. */
  readonly exited: Promise<ExitReason>
  readonly #seams: TreeSeams
  readonly #listener: ChildListener
  readonly #reports: SupervisorReports
  readonly #queue = new StartQueue()
  readonly #window: RestartWindow
  readonly #startedAtMs: number
  #settleExited!: (reason: ExitReason) => void
  #stopOrder: StopOrder | undefined
  #deaths: PendingDeath[] = []
  #isScheduled = false
  #isPumping = false
  /** Something happened while the tree was being moved. */
  #isMoving = false
  readonly #hooks: LifeHooks = {
    begun: (child) => this.children.setState(child, 'starting'),
    ready: (child, life) => this.#ready(child, life),
    failed: (child, _life, error) => this.#reports.startError(child, error, undefined),
    exited: (child, life, reason) => this.#exited(child, life, reason),
  }
  /** Children with a life, whatever it is at. */
  #alive = 0
  /** First children that the start still waits for. */
  #unstarted = 0
  /** Starts that somebody asked for and that are still to come. */
  #requests = 0
  /** Why it ends, where that is not on request. */
  #failure: Error | undefined

  constructor(spec: ResolvedSpec, identity: SupervisorIdentity, seams: TreeSeams, listener: ChildListener) {
    this.spec = spec
    this.identity = identity
    this.#seams = seams
    this.#listener = listener
    this.#reports = new SupervisorReports(identity, seams)
    this.#window = new RestartWindow(spec.periodMs)
    this.#startedAtMs = seams.clock.nowMs()
    this.children = new Children(seams.clock)
    this.exited = new Promise((resolve) => {
      this.#settleExited = resolve
    })
    for (const child of spec.children) this.#add(child, false)
    const actions = {
      startChildren: () => this.#startChildren(),
      stopChildren: ({ context }: { context: { because: EndCause | undefined } }) =>
        this.#stopChildren(context.because ?? 'stop'),
      killChildren: () => this.#killChildren(),
      goOn: () => this.#seams.afterTurn(() => this.#decideAll()),
    }
    this.actor = createActor(supervisorMachine.provide({ actions }))
    this.#follow()
  }

  start(): void {
    this.actor.start()
  }

  get state(): SupervisorState {
    return supervisorStateOf(this.actor.getSnapshot())
  }

  get isEnding(): boolean {
    const { state } = this
    return state === 'stopping' || state === 'dead'
  }

  /** Restarts that count now. */
  get budget(): RestartBudget {
    const { maxRestarts, periodMs } = this.spec
    return { used: this.#window.usedAt(this.#seams.clock.nowMs()), maxRestarts, periodMs }
  }

  get uptimeMs(): number {
    return this.#seams.clock.nowMs() - this.#startedAtMs
  }

  /** Stops the children in order; `kill` all of them at once. More than once is no harm. */
  end(how: 'stop' | 'kill'): void {
    if (this.state !== 'dead') this.actor.send({ type: `${how}.requested` })
  }

  pause(): void {
    if (!this.isEnding) this.actor.send({ type: 'pause.requested' })
  }

  resume(): void {
    if (this.state === 'paused') this.actor.send({ type: 'resume.requested', restless: this.#isRestless })
  }

  /** Adds a child that came at run time and has it started when it is its turn; settles `request` then. */
  admit(spec: ResolvedChild, request: { resolve: () => void; reject: (error: Error) => void }): Child {
    const child = this.#add(spec, true)
    this.#request(child, { ...request, before: undefined })
    return child
  }

  /** Has a child started again that had ended or was stopped. */
  revive(child: Child, request: { resolve: () => void; reject: (error: Error) => void }): void {
    const before = child.state
    child.attempts = 0
    child.spec.lives.isStopped = false
    this.children.want(child, 'up')
    this.children.setState(child, 'waiting')
    this.#request(child, { ...request, before })
  }

  /** Stops a child for good; calls back when it is gone. */
  terminate(child: Child, whenGone: () => void): void {
    this.#deaths = this.#deaths.filter((death) => death.child !== child)
    this.children.want(child, 'down')
    child.spec.lives.isStopped = true
    this.#refuse(child, notStarted(child, 'it was stopped before it was ready'))
    if (child.life === undefined) {
      this.#settleStopped(child)
      whenGone()
    } else {
      child.whenGone.push(whenGone)
      this.#condemn(child)
      new StopGroup([child], this.#seams.clock).tell()
    }
    this.#firstIsDone(child)
    this.#goOn()
  }

  /** Shows the children of a supervisor that is dead as what has become of it: they may come back with it. */
  mirror(state: ChildState, retryAtMs: number | undefined): void {
    if (this.state !== 'dead') return
    for (const child of [...this.children]) {
      if (state === 'removed') this.children.remove(child)
      else if (!child.spec.lives.isStopped) this.children.mirror(child, state, retryAtMs)
    }
  }

  #add(spec: ResolvedChild, isDynamic: boolean): Child {
    const { path } = this.identity
    const child = this.children.add(spec, path === '' ? spec.id : `${path}/${spec.id}`, isDynamic)
    // A stop on purpose holds, also when the supervisor itself has been restarted.
    if (spec.lives.isStopped && !this.spec.resurrect) {
      child.isFirst = false
      this.children.want(child, 'down')
      this.children.setState(child, 'stopped')
    }
    spec.kind.attach?.(placeOf(this, child))
    return child
  }

  #follow(): void {
    let before: SupervisorState = 'starting'
    const next = (snapshot: { value: unknown }): void => {
      const state = supervisorStateOf(snapshot)
      if (state === before) return
      const from = before
      before = state
      this.#reports.state(from, state)
      if (from === 'starting' && state === 'running') {
        this.#listener.ready()
        this.#decideAll()
      } else if (state === 'stopping') this.#goOn()
      else if (state === 'dead') this.#ended()
    }
    // Without an error observer a fault of the machine would end the host as an uncaught exception.
    this.actor.subscribe({ next, error: (error) => this.#broke(error) })
  }

  #broke(error: unknown): void {
    for (const child of this.children) child.life?.run?.stop(0)
    process.emitWarning(`A supervisor broke: ${String(error)}`, 'MaltsterWarning')
  }

  #startChildren(): void {
    for (const child of this.children) {
      if (!child.isFirst) continue
      this.#unstarted++
      this.#queue.push(child)
    }
    this.#goOn()
  }

  #request(child: Child, request: NonNullable<Child['request']>): void {
    child.request = request
    this.#requests++
    this.#enqueue(child)
    this.#goOn()
  }

  #enqueue(child: Child): void {
    if (this.spec.strategy === 'one-for-one') this.#queue.push(child)
    else this.#queue.insert(child)
  }

  #settle(child: Child): void {
    const { request } = child
    if (request === undefined) return
    child.request = undefined
    this.#requests--
    request.resolve()
  }

  #refuse(child: Child, error: Error): void {
    const { request } = child
    if (request === undefined) return
    child.request = undefined
    this.#requests--
    request.reject(error)
  }

  #firstIsDone(child: Child): void {
    if (!child.isFirst) return
    child.isFirst = false
    this.#unstarted--
  }

  /** Whether something is being started or stopped that nobody asked for. */
  get #isRestless(): boolean {
    return this.#stopOrder !== undefined || this.children.pending > this.#requests
  }

  /** The one place from which the tree moves: stops what is to be stopped, then starts what is to be started. */
  #goOn(): void {
    this.#isMoving = true
    if (this.#isPumping) return
    this.#isPumping = true
    while (this.#isMoving) {
      this.#isMoving = false
      if (this.#stopOrder?.advance() === true) this.#stopOrder = undefined
      this.#pump()
    }
    this.#isPumping = false
    this.#tellMachine()
  }

  #tellMachine(): void {
    const { state } = this
    if (state === 'stopping') {
      if (this.#alive === 0) this.actor.send({ type: 'children.gone' })
    } else if (state === 'starting') {
      if (this.#unstarted === 0) this.actor.send({ type: 'children.ready' })
    } else if (state === 'running' && this.#isRestless) this.actor.send({ type: 'restart.begun' })
    else if (state === 'restarting' && !this.#isRestless) this.actor.send({ type: 'restart.ended' })
  }

  /** How many may boot at the same time. */
  get #maxBoots(): number {
    const { strategy, parallelStart, maxConcurrentBoots } = this.spec
    const isOneByOne = strategy !== 'one-for-one' || (this.#unstarted > 0 && !parallelStart)
    return isOneByOne ? 1 : maxConcurrentBoots
  }

  #pump(): void {
    const { children } = this
    if (this.state === 'paused' || this.#stopOrder !== undefined) return
    while (children.count('starting') < this.#maxBoots) {
      const child = this.#queue.next
      if (child === undefined || child.state === 'backing-off') return
      // All of them run together, or none.
      if (this.spec.strategy === 'one-for-all' && children.count('backing-off') > 0) return
      this.#queue.shift()
      this.#begin(child)
    }
  }

  #begin(child: Child): void {
    this.#alive++
    beginLife(child, this.#seams.clock, this.#hooks)
  }

  #ready(child: Child, life: ChildLife): void {
    if (life.isCondemned) return
    this.children.setState(child, 'up')
    this.#reports.progress(child, life)
    this.#settle(child)
    this.#firstIsDone(child)
    this.#goOn()
  }

  #exited(child: Child, life: ChildLife, reason: ExitReason): void {
    child.life = undefined
    this.#alive--
    for (const monitor of child.monitors) monitor(reason)
    child.monitors.clear()
    if (life.isCondemned || this.isEnding) this.#endedAsTold(child, life, reason)
    else if (life.isSkipped) this.#leftOut(child)
    else if (child.request !== undefined) this.#requestFailed(child, life, reason)
    else if (child.isFirst && life.readyAtMs === undefined) this.#startFailed(child, life, reason)
    else this.#died(child, life, reason)
    for (const tell of life.whenOver.splice(0)) tell()
    this.#goOn()
  }

  #endedAsTold(child: Child, life: ChildLife, reason: ExitReason): void {
    this.#reports.ended(child, life, reason)
    if (this.isEnding) {
      // A first child may come back with its supervisor.
      this.children.setState(child, child.goal === 'up' ? 'waiting' : 'stopped')
      this.#tellGone(child)
    } else if (child.goal === 'down') this.#settleStopped(child)
    else if (child.isTemporary && child.request === undefined) this.#remove(child)
    else if (child.retryAtMs === undefined) this.children.setState(child, 'waiting')
  }

  #settleStopped(child: Child): void {
    if (child.isTemporary || (child.isDynamic && child.incarnation === 0)) this.#remove(child)
    else {
      this.children.setState(child, 'stopped')
      this.#tellGone(child)
    }
  }

  #remove(child: Child): void {
    this.children.remove(child)
    this.#tellGone(child)
  }

  #tellGone(child: Child): void {
    for (const tell of child.whenGone.splice(0)) tell()
  }

  #leftOut(child: Child): void {
    this.children.want(child, 'down')
    if (child.isTemporary) this.#remove(child)
    else this.children.setState(child, 'skipped')
    this.#settle(child)
    this.#firstIsDone(child)
  }

  #requestFailed(child: Child, life: ChildLife, reason: ExitReason): void {
    const { request } = child
    this.children.want(child, 'down')
    if (request?.before === undefined) this.#remove(child)
    else this.children.setState(child, request.before)
    this.#refuse(child, life.error ?? notStarted(child, 'it ended before it was ready', reason))
  }

  #startFailed(child: Child, life: ChildLife, reason: ExitReason): void {
    this.children.setState(child, 'waiting')
    const error = life.error ?? notStarted(child, 'it ended before it was ready', reason)
    this.#failure = rollbackError(this.identity.path, child, error, reason)
    this.actor.send({ type: 'start.failed' })
  }

  #died(child: Child, life: ChildLife, reason: ExitReason): void {
    this.children.setState(child, 'waiting')
    this.#deaths.push({ child, life, reason })
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#seams.afterTurn(() => {
      this.#isScheduled = false
      this.#decideAll()
    })
  }

  /** Decides about all deaths that are pending: as one event, or one by one. While paused or starting they are kept. */
  #decideAll(): void {
    const isHeld = (): boolean => this.state !== 'running' && this.state !== 'restarting'
    while (!isHeld() && this.#deaths.length > 0) {
      this.#decide(this.spec.coalesce ? this.#deaths.splice(0) : this.#deaths.splice(0, 1))
    }
    this.#goOn()
  }

  #decide(pending: readonly PendingDeath[]): void {
    const byId = new Map(pending.map((one) => [one.child.id, one]))
    const nowMs = this.#seams.clock.nowMs()
    const dead = pending.filter(({ child }) => child.spec.significant).length
    const decision = decide(this.spec, pending.map(asDeath), {
      usedRestarts: (id) => this.#windowOf(byId.get(id)!.child).usedAt(nowMs),
      otherSignificant: this.children.significant - dead,
      random: this.#seams.random,
    })
    const counted = decision.verdict === 'go-on' ? decision.restarts : []
    for (const { id } of counted) this.#windowOf(byId.get(id)!.child).add(nowMs)
    this.#report(pending, decision, nowMs)
    for (const { id, outcome } of decision.endings) this.#ending(byId.get(id)!.child, outcome)
    if (decision.verdict === 'give-up') this.#giveUp(byId.get(decision.id)!, nowMs)
    else if (decision.verdict === 'shut-down') this.actor.send({ type: 'significant.ended' })
    else for (const restart of decision.restarts) this.#restart(byId.get(restart.id)!.child, restart)
  }

  #ending(child: Child, outcome: 'finished' | 'removed' | 'stopped'): void {
    this.children.want(child, 'down')
    if (outcome === 'removed') this.#remove(child)
    else this.children.setState(child, outcome)
  }

  #windowOf(child: Child): RestartWindow {
    if (this.spec.intensityScope === 'supervisor') return this.#window
    child.window ??= new RestartWindow(this.spec.periodMs)
    return child.window
  }

  #budgetOf(child: Child, nowMs: number): RestartBudget {
    const { maxRestarts, periodMs } = this.spec
    return { used: this.#windowOf(child).usedAt(nowMs), maxRestarts, periodMs }
  }

  #report(pending: readonly PendingDeath[], decision: Decision, nowMs: number): void {
    const outcomes = new Map(decision.endings.map(({ id, outcome }) => [id, outcome]))
    const others = ({ 'go-on': 'restarted', 'give-up': 'gaveUp', 'shut-down': 'shutdown' } as const)[
      decision.verdict
    ]
    for (const { child, reason } of pending) {
      const outcome = outcomes.get(child.id) ?? others
      this.#reports.terminated(child, reason, outcome, this.#budgetOf(child, nowMs))
    }
  }

  #restart(child: Child, restart: Restart): void {
    child.attempts = restart.attempt
    if (restart.delayMs > 0) {
      this.children.backOff(child, restart.delayMs, () => {
        this.#enqueue(child)
        this.#goOn()
      })
      this.#reports.backoff(child, restart)
    }
    if (this.spec.strategy !== 'one-for-one') this.#beginRound(child)
    else if (restart.delayMs === 0) this.#enqueue(child)
  }

  /** Has one child and those that depend on it stopped, in reverse, and started again, in order. */
  #beginRound(trigger: Child): void {
    const from = this.spec.strategy === 'one-for-all' ? 0 : trigger.position
    this.#swallowDeathsFrom(from)
    const members = [...this.children].filter(
      (child) => child.position >= from && (child.goal === 'up' || this.#isResurrected(child)),
    )
    const alive = members.filter((child) => child.life !== undefined)
    for (const child of alive) this.#condemn(child)
    for (const child of members) {
      this.children.want(child, 'up')
      child.spec.lives.isStopped = false
      if (child.life === undefined && child.state !== 'backing-off') this.children.setState(child, 'waiting')
    }
    this.#queue.replaceFrom(
      from,
      members.filter((child) => !child.isTemporary || child.request !== undefined),
    )
    this.#stopOrder = inReverse(alive, this.#seams.clock)
  }

  /** Their deaths, which were not decided about yet, are part of this one. */
  #swallowDeathsFrom(position: number): void {
    const swallowed = this.#deaths.filter(({ child }) => child.position >= position)
    this.#deaths = this.#deaths.filter(({ child }) => child.position < position)
    for (const { child } of swallowed) if (child.isTemporary) this.#remove(child)
  }

  #isResurrected(child: Child): boolean {
    return this.spec.resurrect && !child.isTemporary && child.life === undefined
  }

  #condemn(child: Child): void {
    if (child.life === undefined) return
    child.life.isCondemned = true
    this.children.setState(child, 'stopping')
  }

  #giveUp({ child, reason }: PendingDeath, nowMs: number): void {
    const { maxRestarts, periodMs } = this.spec
    const window = this.#windowOf(child)
    window.add(nowMs)
    const history = window.timesAt(nowMs)
    this.#reports.gaveUp(child, reason, { used: history.length, maxRestarts, periodMs })
    const facts = { child: child.path, reason, maxRestarts, periodMs, history }
    this.#failure = limitError(this.identity.path, facts)
    this.actor.send({ type: 'limit.reached' })
  }

  /** Nothing is started any more, and every life is to end. */
  #endAll(): readonly Child[] {
    this.#deaths = []
    this.#queue.clear()
    this.#stopOrder = undefined
    const alive: Child[] = []
    for (const child of this.children) {
      this.#refuse(child, notStarted(child, 'its supervisor ends'))
      if (child.life !== undefined) {
        this.#condemn(child)
        alive.push(child)
      } else if (child.goal === 'up') this.children.setState(child, 'waiting')
    }
    return alive
  }

  #stopChildren(because: EndCause): void {
    const { clock } = this.#seams
    const alive = this.#endAll()
    this.#reports.shutdown(because, alive.length)
    // Those that came at run time to a one-for-one supervisor don't depend on each other.
    const atOnce = this.spec.strategy === 'one-for-one' ? alive.filter((child) => child.isDynamic) : []
    const inOrder = atOnce.length === 0 ? alive : alive.filter((child) => !child.isDynamic)
    const groups = inOrder.toReversed().map((child) => new StopGroup([child], clock))
    this.#stopOrder = new StopOrder([new StopGroup(atOnce, clock), ...groups])
    this.#goOn()
  }

  #killChildren(): void {
    for (const { life } of this.#endAll()) {
      if (life === undefined) continue
      life.isTold = true
      life.isKilled = true
      life.run?.stop(0)
    }
    this.#goOn()
  }

  #ended(): void {
    const { because = 'stop' } = this.actor.getSnapshot().context
    for (const child of [...this.children]) if (child.isDynamic) this.children.remove(child)
    const reason = endedReason(because, this.uptimeMs, this.#failure)
    if (because === 'startFailed' && this.#failure !== undefined) this.#listener.failed(this.#failure)
    this.#settleExited(reason)
    this.#listener.exited(reason)
  }
}

function asDeath({ child, life, reason }: PendingDeath): Death {
  const { id, position, attempts, spec } = child
  const { readyAtMs } = life
  return {
    id,
    position,
    attempts,
    restart: spec.restart,
    significant: spec.significant,
    reason,
    uptimeMs: readyAtMs === undefined ? undefined : life.endedAtMs - readyAtMs,
  }
}
