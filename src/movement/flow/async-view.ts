/**
 * What may be given for a parameter of type `T` that is read in another process. A function there is called from over
 * there, so that its caller always gets a promise: one that answers at once serves as well as one that answers later.
 */
export type AsyncView<T> = T extends (...args: infer A) => infer R
  ? (...args: A) => R | Awaited<R> | PromiseLike<Awaited<R>>
  : // What is data or lives somewhere: nothing inside it is looked at for functions.
    T extends
        | ArrayBuffer
        | ArrayBufferView
        | AsyncIterable<unknown>
        | Date
        | Error
        | ReadonlyMap<unknown, unknown>
        | ReadonlySet<unknown>
        | RegExp
        | URL
    ? T
    : T extends object
      ? { [K in keyof T]: AsyncView<T[K]> }
      : T
