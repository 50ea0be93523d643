import type { ExitReason } from '../../errors/exit-reason.ts'
import type { Ending } from '../decision/decide.ts'
import type { Child, ChildLife } from './child.ts'
import type { Children } from './children.ts'
import type { StartRequests } from './start-requests.ts'
import { notStarted } from './supervisor-errors.ts'

/** What becomes of a child whose life is over and that is not to be restarted for it. */
export class Departures {
  readonly #children: Children
  readonly #requests: StartRequests

  constructor(children: Children, requests: StartRequests) {
    this.#children = children
    this.#requests = requests
  }

  /** It was told to end; `isEnding`: together with its supervisor. */
  asTold(child: Child, isEnding: boolean): void {
    if (isEnding) {
      // A first child may come back with its supervisor.
      this.#children.setState(child, child.goal === 'up' ? 'waiting' : 'stopped')
      tellGone(child)
    } else if (child.goal === 'down') this.stopped(child)
    else if (child.isTemporary && child.request === undefined) this.remove(child)
    else if (child.retryAtMs === undefined) this.#children.setState(child, 'waiting')
  }

  /** It was stopped on purpose, and is down. */
  stopped(child: Child): void {
    if (child.isTemporary || child.isForgotten) this.remove(child)
    else {
      this.#children.setState(child, 'stopped')
      tellGone(child)
    }
  }

  /** It has ended by itself, and is not restarted. */
  ended(child: Child, { outcome, isOnPurpose }: Ending): void {
    this.#children.want(child, 'down')
    if (isOnPurpose) child.spec.lives.isStopped = true
    if (outcome === 'removed') this.remove(child)
    else this.#children.setState(child, outcome)
  }

  remove(child: Child): void {
    this.#children.remove(child)
    tellGone(child)
  }

  /** Its init said that it is not needed. */
  leftOut(child: Child): void {
    this.#children.want(child, 'down')
    if (child.isTemporary) this.remove(child)
    else this.#children.setState(child, 'skipped')
    this.#requests.settle(child)
  }

  /** It was asked for, and could not be started. */
  notStarted(child: Child, life: ChildLife, reason: ExitReason): void {
    const before = child.request?.before
    this.#children.want(child, 'down')
    if (before === undefined) this.remove(child)
    else this.#children.setState(child, before)
    this.#requests.refuse(child, life.error ?? notStarted(child, 'it ended before it was ready', reason))
  }
}

function tellGone(child: Child): void {
  for (const tell of child.whenGone.splice(0)) tell()
}
