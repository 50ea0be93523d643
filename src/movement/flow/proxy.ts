import { liveKind } from '../../transport/live-values.ts'
import { type AnyFunction, isClass, type Served, liveSymbol } from './live-object.ts'
import { serveFunction } from './remote-functions.ts'
import { releasedError } from './request-failures.ts'

/** A function that may be called from other processes until it is disposed; here it is called as ever. */
export type Proxy<F> = F & Disposable

/**
 * Lets other processes call a function for as long as you like. A function among the arguments of a call is let go when
 * that call has settled; a proxy stays until it is disposed, or the worker ends. It can be sent anywhere: in arguments, in
 * captured variables, in results, through channels. Over there it is called with `await`. One of a worker that its host calls
 * is a call of that worker like any other: the worker is `running`, and `interrupt` ends it. Source: `Comlink.proxy`.
 *
 * @param fn - a function; called here, whoever calls it there
 * @returns the same function as far as anybody here can tell, with `Symbol.dispose`
 * @throws {TypeError} if it is no function, or a class
 * @example
 * import { proxy, spawnWorker } from 'maltster'
 *
 * await using worker = await spawnWorker()
 * const seen: number[] = []
 * using note = proxy(async (n: number) => {
 *   seen.push(n)
 * })
 * await worker.call((tell: (n: number) => Promise<void>) => {
 *   Object.assign(globalThis, { tell })
 * }, [note])
 * await worker.evaluate('await tell(42)')
 * console.log(seen[0]) // 42
 */
export function proxy<F extends (...args: never[]) => unknown>(fn: F): Proxy<F> {
  if (typeof fn !== 'function' || isClass(fn)) {
    throw new TypeError(`Expected a function that can be called, got ${isClass(fn) ? 'a class' : typeof fn}.`)
  }
  const served = new ServedProxy(fn as unknown as AnyFunction)
  const made = function (this: unknown, ...args: never[]): unknown {
    return fn.apply(this, args)
  }
  Object.defineProperty(made, 'name', { value: fn.name, configurable: true })
  Object.defineProperty(made, 'length', { value: fn.length, configurable: true })
  Object.defineProperty(made, liveSymbol, { value: served })
  Object.defineProperty(made, Symbol.dispose, { value: () => served.dispose() })
  return made as unknown as Proxy<F>
}

class ServedProxy implements Served {
  readonly kind = liveKind.function
  readonly data: string
  readonly isKept = true
  readonly #served: Served
  readonly #letGo = new Map<object, () => void>()
  #isDisposed = false

  constructor(fn: AnyFunction) {
    this.#served = serveFunction(fn)
    this.data = fn.name.slice(0, 80)
  }

  request(...asked: Parameters<Served['request']>): void {
    if (this.#isDisposed) throw releasedError({})
    this.#served.request(...asked)
  }

  exported(lane: object, _announce: (why: unknown) => void, letGo: () => void): void {
    this.#letGo.set(lane, letGo)
  }

  released(lane: object): void {
    this.#letGo.delete(lane)
  }

  dispose(): void {
    this.#isDisposed = true
    for (const letGo of this.#letGo.values()) letGo()
  }
}
