import { createActor } from 'xstate'

import type { RestartBudget } from '../../actors/supervisor-events.ts'
import type { ExitReason } from '../../errors/exit-reason.ts'
import type { ResolvedChild, ResolvedSpec } from '../spec/resolve-spec.ts'
import { beginLife, type LifeHooks } from './begin-life.ts'
import { announceEnd } from './child-place.ts'
import type { ChildListener, ChildPlace, ChildState } from './child-run.ts'
import type { Child, ChildLife, StartRequest } from './child.ts'
import { Children } from './children.ts'
import { Deaths } from './deaths.ts'
import { Departures } from './departures.ts'
import { FirstStart } from './first-start.ts'
import { Moves } from './moves.ts'
import { condemn, Restarts } from './restarts.ts'
import { StartRequests } from './start-requests.ts'
import { StopGroup } from './stop-order.ts'
import { SupervisorEnd } from './supervisor-end.ts'
import { notStarted, rollbackError } from './supervisor-errors.ts'
import {
  type EndCause,
  type SupervisorDrive,
  supervisorMachine,
  type SupervisorState,
  supervisorStateOf,
} from './supervisor-machine.ts'
import { type SupervisorIdentity, SupervisorReports } from './supervisor-reports.ts'
import { takeIn } from './take-in.ts'
import type { TreeSeams } from './tree-seams.ts'
import { decideAll, settleStopped, type VerdictsParts } from './verdicts.ts'

type Asked = Omit<StartRequest, 'before'>

/** Who is told what becomes of a supervisor. */
export interface SupervisorListener extends ChildListener {
  /** It has given up. What is left of its children ends next, and then it. */
  gaveUp?(failure: Error): void
}

/**
 * One incarnation of a supervisor: the machine, its children in a plain map, and the rules tied together. It never waits:
 * whatever takes time comes back as an exit, a readiness or a timer, and its moves go on from there.
 */
export class SupervisorActor {
  readonly identity: SupervisorIdentity
  readonly spec: ResolvedSpec
  readonly children: Children
  readonly actor
  /** Its own place in the tree; undefined for the root. */
  above: ChildPlace | undefined
  readonly ending = new SupervisorEnd()
  /** Resolves when all its children are gone. */
  readonly exited: Promise<ExitReason>
  readonly #seams: TreeSeams
  readonly #listener: SupervisorListener
  readonly #reports: SupervisorReports
  readonly #deaths: Deaths
  readonly #moves: Moves
  readonly #requests = new StartRequests()
  readonly #firstStart = new FirstStart()
  readonly #departures: Departures
  readonly #restarts: Restarts
  readonly #hooks: LifeHooks
  readonly #startedAtMs: number
  #settleExited!: (reason: ExitReason) => void
  /** Children with a life, whatever it is at. */
  #alive = 0

  constructor(
    spec: ResolvedSpec,
    identity: SupervisorIdentity,
    seams: TreeSeams,
    listener: SupervisorListener,
  ) {
    this.spec = spec
    this.identity = identity
    this.#seams = seams
    this.#listener = listener
    this.#reports = new SupervisorReports(identity, seams)
    this.#startedAtMs = seams.clock.nowMs()
    this.children = new Children(seams.clock, (child) => this.#reports.place(child))
    this.#deaths = new Deaths(spec, identity, this.children, seams, this.#reports)
    this.#departures = new Departures(this.children, this.#requests)
    this.#hooks = {
      begun: (child) => this.children.setState(child, 'starting'),
      ready: (child, life) => this.#ready(child, life),
      failed: (child, error) => this.#reports.startError(child, error),
      exited: (child, life, reason) => this.#exited(child, life, reason),
    }
    this.#moves = this.#makeMoves()
    this.#restarts = new Restarts({
      spec,
      children: this.children,
      deaths: this.#deaths,
      departures: this.#departures,
      moves: this.#moves,
      reports: this.#reports,
    })
    this.exited = new Promise((resolve) => {
      this.#settleExited = resolve
    })
    for (const child of spec.children) if (child.lives.isDeleted !== true) takeIn(this, child, false)
    this.actor = createActor(supervisorMachine, { input: { drive: this.#drive } })
    this.#follow()
  }

  start(): void {
    this.actor.start()
    this.#moves.goOn()
  }

  get state(): SupervisorState {
    return supervisorStateOf(this.actor.getSnapshot())
  }

  get isEnding(): boolean {
    return this.ending.isCertain || this.state === 'stopping' || this.state === 'dead'
  }

  /** Restarts that count now. */
  get budget(): RestartBudget {
    return this.#deaths.budget
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

  /** Adds a child that came at run time and has it started when it is its turn; settles what was asked then. */
  admit(spec: ResolvedChild, asked: Asked): Child {
    const child = takeIn(this, spec, true)
    this.#request(child, { ...asked, before: undefined })
    return child
  }

  /** Has a child started again that had ended or was stopped. */
  revive(child: Child, asked: Asked): void {
    const before = child.state
    child.attempts = 0
    child.cause = undefined
    child.spec.lives.isStopped = false
    this.children.want(child, 'up')
    this.children.setState(child, 'waiting')
    this.#request(child, { ...asked, before })
  }

  /** Stops a child for good; calls back when it is gone. */
  terminate(child: Child, whenGone: () => void): void {
    this.#deaths.forget(child)
    this.#moves.dequeue(child)
    this.children.want(child, 'down')
    child.spec.lives.isStopped = true
    this.#firstStart.settle(child)
    this.#requests.refuse(child, notStarted(child, 'it was stopped before it was ready'))
    child.whenGone.push(whenGone)
    if (child.life === undefined) this.#departures.stopped(child)
    else {
      condemn(child, this.children)
      new StopGroup([child], this.#seams.clock).tell()
    }
    this.#moves.goOn()
  }

  /** Shows the children of a supervisor that is dead as what has become of it: they may come back with it. */
  mirror(state: ChildState, retryAtMs: number | undefined): void {
    if (this.state === 'dead') this.children.mirror(state, retryAtMs)
  }

  #makeMoves(): Moves {
    return new Moves({
      spec: this.spec,
      children: this.children,
      clock: this.#seams.clock,
      canStart: () => this.#canStart,
      isFirstStart: () => this.#firstStart.isUnderWay,
      begin: (child) => {
        this.#alive++
        beginLife(child, this.#seams.clock, this.#hooks)
      },
      rested: () => this.#tellMachine(),
    })
  }

  get #drive(): SupervisorDrive {
    return {
      startChildren: () => this.#firstStart.begin(this.children, this.#moves),
      stopChildren: (because) => this.#stopChildren(because),
      killChildren: () => this.#moves.killAll(this.#condemnAll()),
      goOn: () => this.#deaths.schedule(() => this.#decideAll()),
    }
  }

  #follow(): void {
    let before: SupervisorState = 'starting'
    const next = (snapshot: { value: unknown }): void => {
      const state = supervisorStateOf(snapshot)
      const from = before
      before = state
      if (state !== from) this.#reports.state(from, state)
      if (from === 'starting' && state === 'running') {
        this.#deaths.schedule(() => this.#decideAll())
        this.#listener.ready()
        this.#moves.goOn()
      }
      // Not from its actions, in which the snapshot is still that of before.
      if (state === 'stopping') this.#moves.goOn()
      else if (state === 'dead') this.#ended()
    }
    // Without an error observer a fault of the machine would end the host as an uncaught exception.
    this.actor.subscribe({ next, error: (error) => this.#broke(error) })
  }

  #broke(error: unknown): void {
    for (const child of this.children) child.life?.run?.stop(0)
    process.emitWarning(`A supervisor broke: ${String(error)}`, 'MaltsterWarning')
  }

  #request(child: Child, request: StartRequest): void {
    this.#requests.make(child, request)
    this.#moves.enqueue(child)
    this.#moves.goOn()
  }

  /** Whether something is being started or stopped that nobody asked for. */
  get #isRestless(): boolean {
    return this.#moves.isStopping || this.children.pending > this.#requests.count
  }

  /** Deaths come before starts: those that were held, and where order matters all that are not decided about. */
  get #canStart(): boolean {
    const { state } = this
    if (state === 'paused' || this.isEnding || this.ending.failure !== undefined) return false
    if (state === 'starting') return this.#firstStart.isUnderWay
    return this.spec.strategy === 'one-for-one' || this.#deaths.isEmpty
  }

  #tellMachine(): void {
    const { state } = this
    if (state === 'stopping') {
      if (this.#alive === 0) this.actor.send({ type: 'children.gone' })
    } else if (state === 'starting') {
      if (!this.#firstStart.isUnderWay) this.actor.send({ type: 'children.ready' })
    } else if (state === 'running' && this.#isRestless) this.actor.send({ type: 'restart.begun' })
    else if (state === 'restarting' && !this.#isRestless) this.actor.send({ type: 'restart.ended' })
  }

  #ready(child: Child, life: ChildLife): void {
    if (life.isCondemned) return
    this.children.setState(child, 'up')
    this.#reports.progress(child, life)
    this.#requests.settle(child)
    this.#firstStart.settle(child)
    this.#moves.goOn()
  }

  #exited(child: Child, life: ChildLife, reason: ExitReason): void {
    child.life = undefined
    this.#alive--
    const monitors = child.takeMonitors()
    if (life.isCondemned || this.isEnding) {
      this.#departures.asTold(child, this.isEnding)
      this.#reports.ended(child, life, reason)
    } else if (life.isSkipped) {
      this.#departures.leftOut(child)
      this.#firstStart.settle(child)
    } else if (child.request !== undefined) this.#departures.notStarted(child, life, reason)
    else if (child.isFirst && life.readyAtMs === undefined) this.#startFailed(child, life, reason)
    else {
      this.children.setState(child, 'waiting')
      const isFirst = this.#deaths.isSettledFirst(reason)
      this.#deaths.add(child, life, reason)
      settleStopped(child, isFirst, this.#verdicts)
      if (!this.#deaths.isEmpty) this.#deaths.schedule(() => this.#decideAll())
    }
    for (const tell of life.whenOver.splice(0)) tell()
    this.#moves.goOn()
    // Last, for they may ask for anything, such as the end of this child or of all.
    for (const monitor of monitors) monitor(reason)
  }

  get #verdicts(): VerdictsParts {
    return {
      deaths: this.#deaths,
      departures: this.#departures,
      restarts: this.#restarts,
      isHeld: () => this.state !== 'running' && this.state !== 'restarting',
      isEnding: () => this.isEnding,
      end: (type, failure) => {
        this.ending.failure = failure
        this.actor.send({ type })
      },
    }
  }

  #startFailed(child: Child, life: ChildLife, reason: ExitReason): void {
    this.children.setState(child, 'waiting')
    this.ending.failure = rollbackError(this.identity.path, child, life, reason)
    this.actor.send({ type: 'start.failed' })
  }

  /** Decides about all deaths that are pending. While the supervisor is paused or starting they are kept. */
  #decideAll(): void {
    decideAll(this.#verdicts)
    this.#moves.goOn()
  }

  /** Every life is to end, and nobody is waited for. */
  #condemnAll(): readonly Child[] {
    this.ending.isCertain = true
    this.#deaths.clear()
    const alive: Child[] = []
    for (const child of this.children) {
      this.#requests.refuse(child, notStarted(child, 'its supervisor ends'))
      if (child.life !== undefined) {
        condemn(child, this.children)
        alive.push(child)
      } else if (child.goal === 'up') this.children.setState(child, 'waiting')
    }
    announceEnd(this)
    return alive
  }

  #stopChildren(because: EndCause): void {
    const { failure } = this.ending
    this.ending.begun(because)
    if (because === 'reachedMaxRestarts' && failure !== undefined) this.#listener.gaveUp?.(failure)
    const alive = this.#condemnAll()
    this.#reports.shutdown(because, alive.length)
    this.#moves.stopAll(alive)
  }

  #ended(): void {
    const { because = 'stop' } = this.actor.getSnapshot().context
    for (const child of this.children) if (child.isDynamic) this.children.remove(child)
    const uptimeMs = this.#seams.clock.nowMs() - this.#startedAtMs
    const { failure } = this.ending
    const reason = this.ending.reason(because, uptimeMs)
    if (because === 'startFailed' && failure !== undefined) this.#listener.failed(failure)
    this.#settleExited(reason)
    this.#listener.exited(reason, this.#reports.endSeq)
  }
}
