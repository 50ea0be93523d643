import type { Codec } from '../../transport/codec.ts'
import type { LiveCode } from '../live/live-code.ts'
import { type BindingGroup, inOrder } from './binding-order.ts'
import { type BindingIdentity, bindingUse } from './binding-use.ts'
import { shareBuffers } from './shared-buffers.ts'
import { entrances, sharedObjects } from './shared-objects.ts'
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
    const content = capturedContent(this.#codec, parcel.rows, path)
    this.#uses.set(identity.id, bindingUse(identity, parcel, content, path, code, user, owners))
  }

  /**
   * What two functions, or variables, lead to by different ways is held by itself, too. Answers whether there was any such
   * thing.
   * @param isThorough - not only what leads to the rest of it
   */
  holdSharedObjects(root: Parcel, isThorough: boolean): boolean {
    const parcels = [root, ...this.#parcels.values()]
    const areViewsShared = shareBuffers(parcels)
    const shared = new Set([...sharedObjects(parcels)].filter(canBeHeld))
    if (shared.size === 0) return areViewsShared
    const first = isThorough ? shared : new Set(parcels.flatMap((parcel) => [...entrances(parcel, shared)]))
    for (const object of first.size === 0 ? shared : first) holdObject(object)
    return true
  }

  /** @throws {CaptureError} if there is no order in which they can be made */
  inOrder(): BindingGroup[] {
    return inOrder([...this.#uses.values()], this.#parcels)
  }
}
