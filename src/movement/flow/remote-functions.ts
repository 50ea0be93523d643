import { liveKind } from '../../transport/live-values.ts'
import { AskedInTurn } from './asked-in-turn.ts'
import { functionName, isKeptData } from './function-tokens.ts'
import type { ImportKind } from './imports.ts'
import { type AnyFunction, type Answer, liveSymbol, type Served } from './live-object.ts'

/** Calls of one function that may be under way at once; more wait, and far more are refused. */
const callBounds = {
  underWay: { count: 1024, bytes: 16 * 2 ** 20 },
  waiting: { count: 10_000, bytes: 64 * 2 ** 20 },
}

const { Promise } = globalThis
const ignore = (): void => {}
const then = Promise.prototype.then

/** How a function of this side is called from the other. */
export function serveFunction(fn: AnyFunction, isKept = false): Served {
  return {
    kind: liveKind.function,
    data: fn.name.slice(0, 80),
    isKept,
    request(operation, args, answer) {
      if (operation === 'call') answerWith(fn, args, answer)
      else answer.fail(new TypeError('A function can only be called.'))
    },
  }
}

function answerWith(fn: AnyFunction, args: readonly unknown[], answer: Answer): void {
  let result: unknown
  try {
    result = fn(...args)
  } catch (error) {
    answer.fail(error)
    return
  }
  if (typeof (result as PromiseLike<unknown> | null | undefined)?.then !== 'function') {
    answer.reply(result)
    return
  }
  const settled = Promise.resolve(result)
  void then.call(
    settled,
    (value) => answer.reply(value),
    (error: unknown) => answer.fail(error),
  )
}

/** A function of the other side, to be called here: it always returns a promise. */
export const functionKind: ImportKind = {
  make({ lane, number, data }) {
    const turns = new AskedInTurn(lane, number, callBounds, !isKeptData(data))
    lane.argumentFunctions.came(turns)
    const call = (...args: unknown[]): Promise<unknown> => {
      const ended = lane.callEnded() ?? turns.ended
      const promise = new Promise((resolve, reject) => {
        if (ended !== undefined) throw ended
        let isSettled = false
        let callOff: (() => void) | undefined
        const settle = (): void => {
          isSettled = true
          lane.waits.end(settle)
          callOff?.()
        }
        lane.waits.begin(settle)
        let withdraw: () => void
        try {
          withdraw = turns.ask('call', args, {
            replied: (value) => (settle(), resolve(value)),
            failed: (error) => (settle(), reject(error)),
          })
        } catch (error) {
          settle()
          throw error
        }
        // It may have failed at once.
        if (!isSettled) callOff = lane.whenCallEnds((error) => (settle(), withdraw(), reject(error)))
      })
      // Progress is often told without waiting. What becomes of it must not end the process as an unhandled rejection.
      void then.call(promise, undefined, ignore)
      return promise
    }
    Object.defineProperty(call, 'name', { value: functionName(data), configurable: true })
    // Passed on to another worker it is called from there, by way of here.
    Object.defineProperty(call, liveSymbol, { value: serveFunction(call) })
    return call
  },
}
