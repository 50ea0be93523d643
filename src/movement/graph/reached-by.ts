import type { AnyNode } from 'acorn'
import type { AnyFunction } from '../function-source.ts'
import { bindingIdOf } from './binding-ids.ts'
import { isCell } from './cell.ts'
import { boundNames } from '../patterns.ts'
import { initOf } from '../live/declarations.ts'
import type { LiveCode, LiveName } from '../live/live-code.ts'
import type { Variable } from '../live/module-facts.ts'

/** How a function was come by: through which declaration, and where that stands. */
interface Way {
  /** Equal for what one declaration gave: `const { up, get } = makeCounter()`, `const up = counter.up`. */
  readonly key: string
  /** Where the scope of that declaration begins; undefined for what comes from elsewhere, such as parameters. */
  readonly scope: string | undefined
}

/**
 * Remembers by which variables functions were reached: those that came by one variable were made together, as far as
 * anybody can see, and what a scope declares belongs to that scope.
 */
export class Ways {
  readonly #ways = new Map<AnyFunction, Way[]>()
  #current: Way | undefined

  /** Does what comes of a name of a code, and what that stands for. */
  through(name: LiveName, { script }: LiveCode, value: unknown, act: () => void): void {
    const before = this.#current
    this.#current = wayOf(name, script, value)
    act()
    this.#current = before
  }

  /** Does something later as if it were done now. */
  inPlace(write: () => void): () => void {
    const place = this.#current
    return () => {
      const before = this.#current
      this.#current = place
      write()
      this.#current = before
    }
  }

  reached(fn: AnyFunction): void {
    if (this.#current === undefined) return
    const ways = this.#ways.get(fn) ?? []
    ways.push(this.#current)
    this.#ways.set(fn, ways)
  }

  /**
   * Whether functions that seem to share a variable were made together.
   * @param scope - where the scope of that variable begins
   * @param root - the function that is sent: what its own scope declares is its
   */
  areTogether(functions: readonly AnyFunction[], scope: string, root: AnyFunction | undefined): boolean {
    const keys = functions.map((fn) => {
      const ways = this.#ways.get(fn) ?? []
      const isOfScope = fn === root || ways.some((way) => way.scope === scope)
      return new Set([...ways.map(({ key }) => key), ...(isOfScope ? [''] : [])])
    })
    // Neighbours are enough: each must have something in common with one before it.
    const known = new Set(keys[0])
    let left = keys.slice(1)
    while (left.length > 0) {
      const rest = left.filter((set) => ![...set].some((key) => known.has(key)))
      if (rest.length === left.length) return false
      for (const set of left) if (!rest.includes(set)) for (const key of set) known.add(key)
      left = rest
    }
    return true
  }
}

/** Tells a scope of a script from all others. */
export const scopeKey = (script: string, variable: Variable | undefined): string =>
  `${script}:${variable?.scopeStart ?? ''}`

function wayOf({ name, variable }: LiveName, script: string, value: unknown): Way {
  // What was sent here has its variables in cells, whichever place they have in each code.
  if (typeof value === 'object' && value !== null && isCell(value)) {
    return { key: `cell ${bindingIdOf(value)}`, scope: undefined }
  }
  const scope = scopeKey(script, variable)
  if (variable === undefined) return { key: `${scope} ${name}`, scope: undefined }
  const isOwn = variable.kind !== 'parameter' && variable.kind !== 'import'
  return { key: `${scope} ${declarationKey(name, variable)}`, scope: isOwn ? scope : undefined }
}

function declarationKey(name: string, variable: Variable): string {
  const { node, parent } = variable
  if (parent.type === 'ImportDeclaration') return `from ${String(parent.source.value)}`
  if ('params' in node) {
    return `parameter ${node.params.findIndex((pattern) => [...boundNames(pattern)].includes(name))}`
  }
  return holderOf(initOf(variable)) ?? `at ${node.start}`
}

/** `counter` of `counter.up`: compilers write destructuring like this. */
function holderOf(init: AnyNode | undefined): string | undefined {
  if (init?.type !== 'MemberExpression') return undefined
  let node = init as AnyNode
  while (node.type === 'MemberExpression') node = node.object as AnyNode
  return node.type === 'Identifier' ? node.name : undefined
}
