import type { Scope } from './scope.ts'

/** How an identifier is used where it stands. */
export type Use = 'read' | 'write' | 'typeof' | 'eval-call'

interface Reference {
  readonly name: string
  readonly start: number
  readonly scope: Scope
  readonly use: Use
}

/** A name that the source refers to and does not declare. */
export interface FreeReference {
  readonly name: string
  /** Offset of its first appearance. */
  readonly start: number
  readonly isWritten: boolean
  readonly isTypeofOnly: boolean
  readonly isEager: boolean
}

/** Collects what a walk over the source meets; which names are free is known when all of it has been seen. */
export class Findings {
  usesThis = false
  usesSuper = false
  usesNewTarget = false
  usesOuterArguments = false
  hasDirectEval = false
  hasWith = false
  hasImportMeta = false
  hasComputedImport = false
  readonly importSpecifiers = new Set<string>()
  readonly requireSpecifiers = new Set<string>()
  readonly #references: Reference[] = []
  readonly #privateReferences: { readonly name: string; readonly scope: Scope }[] = []

  refer(name: string, start: number, scope: Scope, use: Use): void {
    this.#references.push({ name, start, scope, use })
  }

  referPrivate(name: string, scope: Scope): void {
    this.#privateReferences.push({ name, scope })
  }

  /** The private names that belong to a class around the source. */
  outerPrivateNames(): string[] {
    const outer = this.#privateReferences.filter(({ name, scope }) => !scope.seesPrivate(name))
    return [...new Set(outer.map(({ name }) => name))]
  }

  /** Resolves every reference. Sets `hasDirectEval` and `usesOuterArguments` by the way. */
  freeReferences(): FreeReference[] {
    const free = new Map<string, FreeReference>()
    for (const reference of this.#references) {
      if (reference.scope.sees(reference.name) || this.#isArguments(reference)) continue
      if (reference.use === 'eval-call') this.hasDirectEval = true
      const known = free.get(reference.name)
      free.set(reference.name, known === undefined ? single(reference) : merged(known, single(reference)))
    }
    return [...free.values()].toSorted((a, b) => a.start - b.start)
  }

  #isArguments({ name, scope }: Reference): boolean {
    if (name !== 'arguments') return false
    if (!scope.frame.bindsArguments) this.usesOuterArguments = true
    return true
  }
}

function single({ name, start, scope, use }: Reference): FreeReference {
  return {
    name,
    start,
    isWritten: use === 'write',
    isTypeofOnly: use === 'typeof',
    isEager: scope.frame.isEager,
  }
}

function merged(a: FreeReference, b: FreeReference): FreeReference {
  return {
    name: a.name,
    start: Math.min(a.start, b.start),
    isWritten: a.isWritten || b.isWritten,
    isTypeofOnly: a.isTypeofOnly && b.isTypeofOnly,
    isEager: a.isEager || b.isEager,
  }
}
