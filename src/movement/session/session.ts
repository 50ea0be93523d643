import { prepare, type Prepared } from './prepare.ts'
import { holdScope } from './realm.ts'
import { Requires } from './requires.ts'
import { Slots } from './slots.ts'
import { loadImports } from './static-imports.ts'

export interface EvaluateRequest {
  readonly source: string
  /** Named scope; undefined is the default scope. */
  readonly scope?: string | undefined
  /**
   * Shown in stacks, and what imports resolve from if it is an absolute path or a file URL. By default
   * `[evaluation N]`, which resolves from the current directory.
   */
  readonly filename?: string | undefined
}

/** A name that source text has declared, and how. */
export interface SessionName {
  /** What it is called. */
  readonly name: string
  /** How it was declared. */
  readonly kind: 'let' | 'const' | 'var' | 'function' | 'class' | 'import'
}

/**
 * Scopes that last, and the evaluation of sources in them. Names of the default scope are properties of the global
 * object, or with `'own'` of an object, like those of named scopes.
 *
 * Every name has one slot, so that it can be declared anew and functions made earlier see the new value. Hence names
 * are undefined, and not dead, before their declaration, and imported names don't follow what the module assigns.
 * Code in a scope of its own looks up names by `with`: several times slower than globally, a function of the scope
 * that is called by its name gets the scope as `this`, and V8 gives only the statement as the place of a name that
 * is not defined.
 */
export class Session {
  readonly #default: Slots
  readonly #named = new Map<string, Slots>()
  readonly #requires = new Requires()
  #count = 0

  constructor({ defaultScope }: { readonly defaultScope: 'global' | 'own' }) {
    this.#default = defaultScope === 'global' ? new Slots(globalThis, true) : newScope()
  }

  /**
   * Runs a source; gives its value, or a promise of it if the source has an `await` or a static import at its top
   * level. Such sources reject instead of throwing, except for errors of syntax.
   * @throws {EvaluateSyntaxError} if the source can't be compiled; nothing was run or declared
   */
  evaluate({ source, scope, filename }: EvaluateRequest): unknown {
    const file = filename ?? `[evaluation ${++this.#count}]`
    const slots = this.#slotsToWrite(scope)
    const prepared = prepare(source, file, slots)
    const usesRequire = source.includes('require')
    const enter = (): void => {
      if (!slots.isGlobal) holdScope(slots.target)
      if (usesRequire) this.#requires.provide(slots, file)
    }
    return prepared.top.isAsync ? runLater(prepared, slots, enter) : runNow(prepared, slots, enter)
  }

  /** What was declared in a scope and is still there, in the order of first declaration. */
  names(scope?: string): SessionName[] {
    return this.#slotsOf(scope)?.names() ?? []
  }

  /** The value of a name that was declared; undefined if it was not. */
  get(name: string, scope?: string): unknown {
    const slots = this.#slotsOf(scope)
    return slots?.has(name) ? slots.target[name] : undefined
  }

  /** Declares a name, or gives it another value, also if it is a constant. */
  set(name: string, value: unknown, scope?: string): void {
    this.#slotsToWrite(scope).set(name, value, undefined)
  }

  /** @returns whether there was such a name */
  delete(name: string, scope?: string): boolean {
    return this.#slotsOf(scope)?.delete(name) ?? false
  }

  /**
   * Takes names with their values from one scope to another. Functions go on to see the scope they were made in.
   * @throws {RangeError} if names are not there; then none is moved
   */
  move(names: readonly string[], from: string | undefined, to: string | undefined): void {
    const source = this.#slotsOf(from)
    const missing = names.filter((name) => !source?.has(name))
    if (missing.length > 0) throw new RangeError(notThere(missing, from))
    const target = this.#slotsToWrite(to)
    if (source === undefined || source === target) return
    for (const name of new Set(names)) {
      target.set(name, source.target[name], source.kindOf(name))
      source.delete(name)
    }
  }

  /** The named scopes. */
  scopes(): string[] {
    return [...this.#named.keys()]
  }

  /** Forgets a named scope; what was made in it lives on as long as somebody holds it. */
  drop(scope: string): boolean {
    return this.#named.delete(scope)
  }

  #slotsOf(scope: string | undefined): Slots | undefined {
    return scope === undefined ? this.#default : this.#named.get(scope)
  }

  #slotsToWrite(scope: string | undefined): Slots {
    const known = this.#slotsOf(scope)
    if (known !== undefined || scope === undefined) return known ?? this.#default
    const made = newScope()
    this.#named.set(scope, made)
    return made
  }
}

const newScope = (): Slots => new Slots(Object.create(null) as object, false)

function notThere(names: readonly string[], scope: string | undefined): string {
  const list = names.map((name) => `\`${name}\``).join(', ')
  const where = scope === undefined ? 'the default scope' : `scope ${JSON.stringify(scope)}`
  return `Could not move ${list}: ${names.length === 1 ? 'it is' : 'they are'} not declared in ${where}.`
}

function declareNames({ top, implicitNames }: Prepared, slots: Slots): void {
  for (const [name, { kind }] of top.names) {
    // V8 declares global functions itself; a slot that is there already is used.
    if (kind === 'function' && slots.isGlobal && !(name in slots.target)) slots.note(name, kind)
    else slots.declare(name, kind)
  }
  for (const name of top.uninitialised) slots.target[name] = undefined
  for (const name of implicitNames) {
    // Sloppy code makes global names by itself.
    if (slots.isGlobal) slots.note(name, 'var')
    else slots.declare(name, 'var')
  }
}

function runNow(prepared: Prepared, slots: Slots, enter: () => void): unknown {
  declareNames(prepared, slots)
  let value: unknown
  for (const unit of prepared.units) {
    enter()
    const result = unit.run(slots.target)
    if (unit.givesValue) value = result
  }
  return value
}

/** Statements that do not wait run without a break. */
async function runLater(prepared: Prepared, slots: Slots, enter: () => void): Promise<unknown> {
  const { imports } = prepared.top
  const imported = imports.length > 0 ? await loadImports(imports, prepared.source) : []
  declareNames(prepared, slots)
  for (const { name, value } of imported) slots.target[name] = value
  let value: unknown
  for (const unit of prepared.units) {
    enter()
    const result = unit.run(slots.target)
    const settled = unit.isAsync ? await result : result
    if (unit.givesValue) value = settled
  }
  return value
}
