import type { ResolvedChild } from '../spec/resolve-spec.ts'
import { restart, terminate } from '../tree/child-place.ts'
import type { SupervisorActor } from '../tree/supervisor-actor.ts'
import type { Crew } from './crew.ts'
import { stoppedPoolError } from './pool-errors.ts'

/** The members of a pool as children of a supervisor, added at run time: so they boot and end beside each other. */
export class SupervisedCrew implements Crew {
  readonly #actor: SupervisorActor
  readonly #specOf: (id: string) => ResolvedChild

  constructor(actor: SupervisorActor, specOf: (id: string) => ResolvedChild) {
    this.#actor = actor
    this.#specOf = specOf
  }

  get isEnding(): boolean {
    return this.#actor.isEnding
  }

  async add(id: string): Promise<void> {
    if (this.isEnding) throw stoppedPoolError(this.#actor.identity.path)
    await new Promise<void>(
      (resolve, reject) => void this.#actor.admit(this.#specOf(id), { resolve, reject }),
    )
  }

  async remove(id: string): Promise<void> {
    const child = this.#actor.children.get(id)
    if (child === undefined) return
    await terminate(this.#actor, child)
    if (child.state !== 'removed') this.#actor.children.remove(child)
  }

  async replace(id: string): Promise<void> {
    const child = this.#actor.children.get(id)
    if (child === undefined) throw new Error(`\`${id}\` is no member any more.`)
    await terminate(this.#actor, child)
    await restart(this.#actor, child)
  }

  stop(): void {
    this.#actor.end('stop')
  }
}
