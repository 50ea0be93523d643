import type { Ledger } from '../movement/graph/ledger.ts'
import type { BindingUse } from '../movement/graph/survey.ts'
import { runtimeFunction } from '../movement/runtime-function.ts'
import { staysHere } from '../transport/codec/process-handles.ts'
import { shown } from './option-checks.ts'

/** A variable of a module that a worker holds because functions referred to it. */
export interface WorkerGlobal {
  /** What it is called. */
  readonly name: string
  /** URL or path of the module that it belongs to. */
  readonly module: string
  /** What it is: a variable, a constant, a function or a class. */
  readonly kind: 'global' | 'constant' | 'function' | 'class' | 'capture'
  /** Whether it can't be assigned to. */
  readonly isConstant: boolean
  /** What its value takes on the lane. */
  readonly bytes: number
}

/** How a variable is named: where two modules have one of that name, with its module. */
export type GlobalName = string | Pick<WorkerGlobal, 'name' | 'module'>

/** What the globals of a worker need of it. */
export interface GlobalsContext {
  readonly ledger: Ledger
  /** Why the worker can't be asked, if it can't. */
  refusal(): Error | undefined
  ask(asked: string, args: readonly unknown[]): Promise<unknown>
}

/**
 * The variables of modules that a worker holds, because functions that were sent to it refer to them. Source:
 * Distributed.jl `varinfo` and `clear!`.
 *
 * @example
 * import { spawnWorker } from 'maltster'
 *
 * await using worker = await spawnWorker()
 * const words = ['malt', 'hops']
 * await worker.call(() => words.length)
 * console.log(worker.globals.list().map(({ name }) => name)) // [ 'words' ]
 * await worker.globals.delete('words')
 * console.log(worker.globals.list().length) // 0
 */
export class WorkerGlobals {
  readonly #context: GlobalsContext

  /** @internal */
  constructor(context: GlobalsContext) {
    this.#context = context
  }

  /**
   * All of them, in the order in which they were sent first.
   * @throws {WorkerDiedError | WorkerStoppedError} if the worker has ended, or is about to: it holds nothing any more
   */
  list(): WorkerGlobal[] {
    this.#accept()
    return this.#context.ledger.variables().map(({ use, bytes }) => {
      const { name, module, kind, isConstant } = use
      return { name, module, kind, isConstant, bytes }
    })
  }

  /**
   * The value that it has there, which the worker may have changed.
   * @param name - its name, or name and module
   * @throws {RangeError} if the worker holds none, or several, of that name
   * @throws {TypeError} if that is no name
   * @throws {EncodeError | WorkerDiedError | WorkerStoppedError} as `Worker.call`
   */
  async get(name: GlobalName): Promise<unknown> {
    return this.#context.ask(runtimeFunction.heldValue, [this.#find(name).id])
  }

  /**
   * Gives it another value there; it stays until the value here changes.
   * @param name - its name, or name and module
   * @param value - data
   * @throws {RangeError} if the worker holds none, or several, of that name
   * @throws {TypeError} if it is a constant, or that is no name
   * @throws {EncodeError | WorkerDiedError | WorkerStoppedError} as `Worker.call`
   */
  async set(name: GlobalName, value: unknown): Promise<void> {
    const { id, isConstant, name: found } = this.#find(name)
    if (isConstant) throw new TypeError(`\`${found}\` is a constant, in the worker as here.`)
    await this.#context.ask(runtimeFunction.assignHeld, [id, value])
  }

  /**
   * Forgets it, on both sides, and frees what it holds there: it is undefined there until the next call that refers to it sends it again.
   * @param name - its name, or name and module
   * @returns whether the worker held it
   * @throws {RangeError} if the worker holds several of that name
   * @throws {TypeError} if that is no name
   * @throws {WorkerDiedError | WorkerStoppedError} as `Worker.call`
   */
  async delete(name: GlobalName): Promise<boolean> {
    if (this.#matching(name).length === 0) return false
    const { id } = this.#find(name)
    const { ids, contents } = this.#context.ledger.unbindWith(id)
    const others = ids.filter((one) => one !== id)
    await this.#context.ask(runtimeFunction.dropHeld, [id, contents, ...(others.length > 0 ? [others] : [])])
    return true
  }

  #accept(): void {
    const refusal = this.#context.refusal()
    if (refusal !== undefined) throw refusal
  }

  #matching(wanted: GlobalName): BindingUse[] {
    this.#accept()
    checkName(wanted)
    const { name, module } = typeof wanted === 'string' ? { name: wanted, module: undefined } : wanted
    const uses = this.#context.ledger.variables().map(({ use }) => use)
    return uses.filter((use) => use.name === name && (module === undefined || use.module === module))
  }

  #find(wanted: GlobalName): BindingUse {
    const found = this.#matching(wanted)
    const [first, second] = found
    const name = typeof wanted === 'string' ? wanted : wanted.name
    if (first === undefined) throw new RangeError(`The worker holds no variable \`${name}\`; see \`list()\`.`)
    if (second === undefined) return first
    const modules = found.map(({ module }) => module).join(', ')
    throw new RangeError(
      `The worker holds several variables \`${name}\`, of ${modules}: name the module too, as \`{ name, module }\`.`,
    )
  }
}

function checkName(wanted: unknown): void {
  const { name, module } = Object(wanted) as { name?: unknown; module?: unknown }
  const isPair = typeof name === 'string' && (module === undefined || typeof module === 'string')
  if (typeof wanted === 'string' || isPair) return
  const remedy = "Write `'x'`, or `{ name: 'x', module }`, as `list()` has it"
  throw new TypeError(`Expected \`name\` to be the name of a variable, got ${shown(wanted)}. ${remedy}.`)
}

staysHere(WorkerGlobals, {
  what: 'the `globals` of a Worker, whose process was started here',
  remedy: 'Read what is needed before the call, and pass that.',
})
