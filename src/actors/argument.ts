import type { RemoteRef } from './remote-ref.ts'

/**
 * What may be given for a parameter of type `T`: a value of that type, or a `RemoteRef` to one, which the worker has as the
 * value itself. The same goes for what is inside of objects, arrays, maps and sets. A function in it is called here, from
 * over there: it may be `async` or not, whatever the parameter says.
 */
export type Argument<T> = RemoteRef<T> | ([Known<T>] extends [never] ? T : Given<T>)

/** What may be given inside an argument, where the parameter has a `T`. */
export type ArgumentPart<T> = RemoteRef<T> | ([Known<T>] extends [never] ? T : GivenPart<T>)

/** What may be given for the parameters `A` of a function. They are copied, so that they may be read-only here. */
export type Arguments<A extends unknown[]> = { readonly [I in keyof A]: Argument<A[I]> }

/** What comes behind the function of a call. Arguments may be left out only if the function can be called without any. */
export type CallParameters<A extends unknown[], O> = [] extends A
  ? [args?: Arguments<A>, options?: O]
  : [args: Arguments<A>, options?: O]

/**
 * No function answers with this. A compiler names it where a function is given for a parameter that is typed as one that
 * answers at once with an `R`: from over there it answers with a promise. Have the parameter return `Promise<R>`, and
 * await it; or `void`, if nobody asks what it answers.
 */
export interface ParameterMustReturnPromise<R> {
  /** Nothing has it. */
  readonly [impossible]: R
}

declare const impossible: unique symbol

type Given<T> = T extends (...args: infer A) => infer R ? Callback<A, R> : GivenPart<T>

type GivenPart<T> = T extends (...args: infer A) => infer R
  ? (...args: A) => AnswerOf<R>
  : T extends ReadonlyMap<infer K, infer V>
    ? T | ReadonlyMap<ArgumentPart<K>, ArgumentPart<V>>
    : T extends ReadonlySet<infer V>
      ? T | ReadonlySet<ArgumentPart<V>>
      : T extends Whole
        ? T
        : T extends readonly (infer E)[]
          ? number extends T['length']
            ? // An array type by its brackets is the one form that the compiler takes apart no further than it must.
              readonly ArgumentPart<E>[]
            : { readonly [I in keyof T]: ArgumentPart<T[I]> }
          : T extends object
            ? { readonly [K in keyof T]: ArgumentPart<T[K]> }
            : T

/** What is data or lives somewhere: nothing inside it is looked at. */
type Whole = ArrayBuffer | ArrayBufferView | AsyncIterable<unknown> | Date | Error | RegExp | URL

/** Methods of instances look like functions in objects, so that only functions that are arguments are checked. */
type Callback<A extends unknown[], R> = [Known<R>] extends [never]
  ? (...args: A) => R
  : IsAnswerAtOnce<R> extends true
    ? (...args: A) => ParameterMustReturnPromise<R>
    : (...args: A) => AnswerOf<R>

/** What nobody there looks at may be anything. */
type AnswerOf<R> = R | Awaited<R> | PromiseLike<Awaited<R>> | (Awaited<R> extends void ? unknown : never)

type IsAnswerAtOnce<R> = unknown extends R
  ? false
  : [R] extends [never]
    ? false
    : [Extract<R, PromiseLike<unknown> | void>] extends [never]
      ? true
      : false

/**
 * `any`, which is not `never`; but of a type parameter of the code that calls the compiler can't tell, and takes it for
 * `never` when it looks for what may be given for `[Known<T>] extends [never] ? T : …`. So there a `T` itself will do.
 */
// oxlint-disable-next-line typescript/no-explicit-any -- `any` is what it is about
type Known<T> = T extends unknown ? any : never
