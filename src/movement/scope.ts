/** What `this`, `super`, `new.target` and `arguments` mean at a place: something of the source, or of outside. */
export interface Frame {
  readonly bindsThis: boolean
  readonly bindsSuper: boolean
  readonly bindsNewTarget: boolean
  readonly bindsArguments: boolean
  /** Whether code here may run while the class that is the source is being defined. */
  readonly isEager: boolean
}

/** The frame of the source itself: nothing is bound yet. */
export const outsideFrame = (isEager: boolean): Frame => ({
  bindsThis: false,
  bindsSuper: false,
  bindsNewTarget: false,
  bindsArguments: false,
  isEager,
})

/** The frame of a function that is not an arrow. */
export const functionFrame = (isMethod: boolean, isEager: boolean): Frame => ({
  bindsThis: true,
  bindsSuper: isMethod,
  bindsNewTarget: true,
  bindsArguments: true,
  isEager,
})

/** `function`: where `var` lands. `parameters` lie around it, so that defaults don't see the body. */
export type ScopeKind = 'outside' | 'parameters' | 'function' | 'function-name' | 'class' | 'block' | 'catch'

/** One region of source in which names are declared. */
export class Scope {
  readonly kind: ScopeKind
  readonly parent: Scope | undefined
  readonly frame: Frame
  readonly isStrict: boolean
  readonly #names = new Set<string>()
  #privateNames: Set<string> | undefined

  constructor(kind: ScopeKind, parent: Scope | undefined, frame: Frame, isStrict: boolean) {
    this.kind = kind
    this.parent = parent
    this.frame = frame
    this.isStrict = isStrict
  }

  /** A scope inside this one, in the same frame. */
  inner(kind: ScopeKind): Scope {
    return new Scope(kind, this, this.frame, this.isStrict)
  }

  declare(name: string): void {
    this.#names.add(name)
  }

  /** Declares `name` as `var` does: in the nearest function, from wherever this scope is. */
  declareVar(name: string): void {
    this.#varScope().declare(name)
  }

  /**
   * Declares a function that stands in a block. Sloppy code sees a plain one in the function around it as well,
   * unless a `let`, `const` or `class` in between has the name (Annex B.3.2).
   */
  declareBlockFunction(name: string, isPlain: boolean): void {
    this.declare(name)
    if (this.isStrict || !isPlain) return
    const varScope = this.#varScope()
    for (let scope = this.parent; scope !== undefined && scope !== varScope; scope = scope.parent) {
      if (scope.kind !== 'catch' && scope.#names.has(name)) return
    }
    varScope.declare(name)
  }

  declarePrivate(name: string): void {
    this.#privateNames ??= new Set()
    this.#privateNames.add(name)
  }

  sees(name: string): boolean {
    return this.#names.has(name) || (this.parent?.sees(name) ?? false)
  }

  seesPrivate(name: string): boolean {
    return (this.#privateNames?.has(name) ?? false) || (this.parent?.seesPrivate(name) ?? false)
  }

  #varScope(): Scope {
    if (this.kind === 'function' || this.parent === undefined) return this
    return this.parent.#varScope()
  }
}
