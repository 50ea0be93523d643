import { createRequire } from 'node:module'
import { isAbsolute, join } from 'node:path'
import type { Slots } from './slots.ts'

const mostKept = 100

/** `require` for sources that use it, from their file or the current directory. */
export class Requires {
  readonly #made = new Map<string, NodeJS.Require>()
  #given = new WeakSet<NodeJS.Require>()

  /** Lets code of `slots` see the `require` of `filename`, unless the user has one of their own. */
  provide(slots: Slots, filename: string): void {
    if (slots.kindOf('require') !== undefined) return
    const { target } = slots
    const present = Object.hasOwn(target, 'require') ? target['require'] : undefined
    if (present !== undefined && !this.#given.has(present as NodeJS.Require)) return
    const made = this.#of(filename)
    if (made === undefined || made === present) return
    Object.defineProperty(target, 'require', {
      value: made,
      writable: true,
      enumerable: false,
      configurable: true,
    })
  }

  #of(filename: string): NodeJS.Require | undefined {
    const from = baseOf(filename)
    const known = from === undefined ? undefined : this.#made.get(from)
    if (known !== undefined || from === undefined) return known
    if (this.#made.size >= mostKept) this.#made.clear()
    const made = createRequire(from)
    this.#made.set(from, made)
    this.#given.add(made)
    return made
  }
}

/** Undefined if there is no current directory any more. */
function baseOf(filename: string): string | undefined {
  if (isAbsolute(filename) || /^file:\/\/\S+$/.test(filename)) return filename
  try {
    return join(process.cwd(), 'evaluation')
  } catch {
    return undefined
  }
}
