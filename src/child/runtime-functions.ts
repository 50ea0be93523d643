import { inspect } from 'node:util'

import { exportKinds, exportOf } from '../movement/module-exports.ts'
import type { SessionName } from '../movement/session/session.ts'
import { runtimeFunction } from '../movement/runtime-function.ts'
import { writeMarkers } from './output-markers.ts'
import { type LoadSession, sessionOnDemand } from './session-on-demand.ts'

/** A function of the runtime that the host calls by name. */
export type RuntimeFunction = (...args: never[]) => unknown

/** What a host can ask of the runtime itself, by the same calls as the user's functions. */
export interface RuntimeFunctions {
  /** By the names of `runtimeFunction`. */
  readonly byName: Readonly<Record<string, RuntimeFunction>>
  /** As the one behind `evaluate`, for `preload`. */
  evaluateSource(source: string, filename: string | undefined): unknown
}

/** What `run` answers when the code came to its end. */
export interface RunAnswer {
  /** The last expression's value, where it could be sent. */
  readonly value: unknown
  /** The value as people read it, as Node's REPL shows it. */
  readonly text: string
}

const maxTextLength = 16_384

/** A value as text. It may run the user's code, and that may spin. */
function shown(value: unknown): string {
  if (value === undefined) return 'undefined'
  let text = 'a value that can not be shown'
  try {
    text = inspect(value, { depth: 4, maxArrayLength: 100, maxStringLength: 10_000 })
  } catch {
    // A value that throws when it is looked at is a value all the same.
  }
  return text.length > maxTextLength ? `${text.slice(0, maxTextLength)}…` : text
}

/**
 * The functions of the runtime.
 * @param whyNotSendable - tells why a value can't be sent, if so
 */
export function runtimeFunctions(
  load: LoadSession,
  whyNotSendable: (value: unknown) => string | undefined,
): RuntimeFunctions {
  const session = sessionOnDemand(load)
  const evaluate = (source: string, scope: string | undefined, filename: string | undefined): unknown =>
    session().evaluate({
      source,
      ...(scope === undefined ? {} : { scope }),
      ...(filename === undefined ? {} : { filename }),
    })
  const answer = (value: unknown): RunAnswer => {
    const isSendable = whyNotSendable(value) === undefined
    return { value: isSendable ? value : undefined, text: shown(value) }
  }
  const run = async (source: string, scope: string | undefined, filename: string): Promise<RunAnswer> =>
    answer(await evaluate(source, scope, filename))
  const byName = {
    [runtimeFunction.evaluate]: evaluate,
    [runtimeFunction.run]: run,
    [runtimeFunction.mark]: async (marker: Uint8Array | undefined, mustProve: boolean): Promise<object> => {
      const written = marker === undefined ? {} : await writeMarkers(marker)
      return mustProve ? { ...written, proof: await run('1+1', undefined, '[proof]') } : written
    },
    [runtimeFunction.names]: (scope: string | undefined): SessionName[] => session().names(scope),
    [runtimeFunction.move]: (names: string[], from: string | undefined, to: string | undefined) =>
      session().move(names, from, to),
    [runtimeFunction.drop]: (scope: string): boolean => session().drop(scope),
    [runtimeFunction.exportKinds]: exportKinds,
    [runtimeFunction.exportOf]: exportOf,
    [runtimeFunction.same]: (value: unknown): unknown => value,
    [runtimeFunction.valueOf]: (ref: { get(): unknown }): unknown => ref.get(),
  }
  return { byName, evaluateSource: (source, filename) => evaluate(source, undefined, filename) }
}
