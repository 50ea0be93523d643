import { runtimeFunction } from '../movement/runtime-function.ts'
import type { SessionName } from '../movement/session/session.ts'
import type { EvaluateOptions, RunOptions } from './evaluate-options.ts'
import { checkOptions, text, texts } from './option-checks.ts'
import type { RunResult } from './run.ts'

/** What a scope needs of its worker. */
export interface ScopeWorker {
  evaluate(source: string, options?: EvaluateOptions): Promise<unknown>
  run(source: string, options?: RunOptions): Promise<RunResult>
  /** Equal for the same worker. */
  readonly identity: object
  /** Calls a function of the runtime. */
  ask(name: string, args: readonly unknown[]): Promise<unknown>
}

/**
 * A named scope of a worker's session: names of its own over the worker's globals. Cheap to make and to drop: a
 * notebook makes a fresh one for each run, and moves over what is to stay. It begins to be there with its first
 * evaluation. Source: Pluto, which does the same with a Julia module for each run.
 *
 * Code in a named scope finds the names of the scope slower than local ones: let what is hot be in functions' own
 * variables.
 *
 * @example
 * import { spawnWorker } from 'maltster'
 *
 * await using worker = await spawnWorker()
 * const first = worker.scope('run 1')
 * await first.evaluate('let data = [1, 2, 3]; let scratch = 0')
 * const second = worker.scope('run 2')
 * await first.move(['data'], second)
 * await first.drop()
 * console.log(await second.evaluate('data.length'), await second.names()) // 3 [ { name: 'data', kind: 'let' } ]
 */
export class Scope {
  /** What it is called. */
  readonly name: string
  readonly #worker: ScopeWorker

  /** @internal */
  constructor(worker: ScopeWorker, name: string) {
    checkOptions('scope', { name }, { name: text })
    this.#worker = worker
    this.name = name
  }

  /**
   * As `evaluate` of the worker, in this scope.
   * @param source - JavaScript
   * @param options - as there
   */
  evaluate<T = unknown>(source: string, options?: Omit<EvaluateOptions, 'scope'>): Promise<T> {
    return this.#worker.evaluate(source, { ...options, scope: this.name }) as Promise<T>
  }

  /**
   * As `run` of the worker, in this scope.
   * @param source - JavaScript
   * @param options - as there
   */
  run(source: string, options?: Omit<RunOptions, 'scope'>): Promise<RunResult> {
    return this.#worker.run(source, { ...options, scope: this.name })
  }

  /** The names that it has. */
  names(): Promise<SessionName[]> {
    return this.#worker.ask(runtimeFunction.names, [this.name]) as Promise<SessionName[]>
  }

  /**
   * Takes names out of this scope and puts them into another of the same worker, in place of those it has.
   * @param names - which; all must be there
   * @param to - the other scope, or its name; undefined for the worker's own
   * @throws {RemoteError} a RangeError over there if a name is missing; then none is moved
   * @throws {TypeError} if the scope is another worker's
   */
  async move(names: readonly string[], to: Scope | string | undefined): Promise<void> {
    checkOptions('move', { names }, { names: texts })
    if (to instanceof Scope && to.#worker.identity !== this.#worker.identity) {
      throw new TypeError(`Expected \`to\` to be a scope of the same worker; scope ${to.name} is another's.`)
    }
    await this.#worker.ask(runtimeFunction.move, [names, this.name, to instanceof Scope ? to.name : to])
  }

  /**
   * Forgets the scope with all its names. Functions that were made in it live on as long as somebody has them.
   * @returns whether there was anything to forget
   */
  async drop(): Promise<boolean> {
    return (await this.#worker.ask(runtimeFunction.drop, [this.name])) === true
  }
}
