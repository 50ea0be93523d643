import type { Codec } from '../../transport/codec.ts'
import type { LiveCode } from '../live/live-code.ts'
import { type BindingGroup, inOrder } from './binding-order.ts'
import { type BindingIdentity, bindingUse } from './binding-use.ts'
import { sharedObjects } from './shared-objects.ts'
import { capturedContent } from './content.ts'
import { canBeHeld, holdObject } from './held-objects.ts'
import type { Parcel } from './parcel.ts'
import type { BindingUse } from './survey.ts'

/** Where a binding was found, and whose it is; see `BindingUse`. */
export interface Found {
  readonly path: string
  readonly code?: LiveCode | undefined
  readonly user?: LiveCode | undefined
  readonly owners?: readonly WeakRef<object>[]
}

/** The bindings that a call needs, as they are found. */
export class FoundBindings {
  readonly #codec: Codec
  readonly #begun = new Set<number>()
  readonly #uses = new Map<number, BindingUse>()
  readonly #parcels = new Map<number, Parcel>()
  /** Of those that are no variables of modules: what is in them is one thing, whoever refers to it. */
  readonly #held = new Set<Parcel>()

  constructor(codec: Codec) {
    this.#codec = codec
  }

  /** See `Survey.isPortable`. */
  get arePortable(): boolean {
    return [...this.#parcels.values()].every(({ isPortable }) => isPortable)
  }

  isBegun(id: number): boolean {
    return this.#begun.has(id)
  }

  /** Whether it is not begun yet; from now on it is. */
  begin(id: number): boolean {
    if (this.#begun.has(id)) return false
    this.#begun.add(id)
    return true
  }

  /** @throws {CaptureError} if what it holds can't be encoded */
  add(identity: BindingIdentity, parcel: Parcel, { path, code, user, owners = [] }: Found): void {
    this.#parcels.set(identity.id, parcel)
    if (owners.length > 0) this.#held.add(parcel)
    const content = capturedContent(this.#codec, parcel.rows, path)
    this.#uses.set(identity.id, bindingUse(identity, parcel, content, path, code, user, owners))
  }

  /** What two functions lead to by different ways is held by itself, too. Answers whether there was any such thing. */
  holdSharedObjects(root: Parcel): boolean {
    if (this.#held.size === 0) return false
    const others = [root, ...this.#parcels.values()].filter((parcel) => !this.#held.has(parcel))
    const shared = sharedObjects(this.#held, others).filter(canBeHeld)
    for (const object of shared) holdObject(object)
    return shared.length > 0
  }

  /** @throws {CaptureError} if there is no order in which they can be made */
  inOrder(): BindingGroup[] {
    return inOrder([...this.#uses.values()], this.#parcels)
  }
}
