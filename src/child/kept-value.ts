import { liveSymbol, type Served } from '../movement/flow/live-object.ts'
import { liveKind } from '../transport/live-values.ts'
import { estimateBytes, typeOfValue } from './value-size.ts'

/** A value that stays here, as the result of the call that made it: the host gets a number for it. */
export class KeptValue {
  readonly [liveSymbol]: Served

  constructor(value: unknown) {
    this[liveSymbol] = {
      kind: liveKind.reference,
      data: `kept ${estimateBytes(value)} ${typeOfValue(value)}`,
      atHome: () => value,
      request: (_operation, _args, answer) => answer.fail(new TypeError('A kept value answers no requests.')),
    }
  }
}
