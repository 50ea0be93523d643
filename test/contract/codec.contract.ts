import { describe } from 'vitest'
import type { CodecFactory } from '../../src/transport/codec.ts'
import { defaultLimits } from '../../src/transport/limits.ts'
import { keepsToLimits } from './codec/keeps-to-limits.ts'
import { keepsValues } from './codec/keeps-values.ts'
import { obeysItsCaller } from './codec/obeys-its-caller.ts'
import { refusesWhatCannotGo } from './codec/refuses.ts'
import { survivesUserCode } from './codec/survives-user-code.ts'

/** What any codec of this package must do, whatever its bytes look like. */
export function codecContract(name: string, makeCodec: CodecFactory): void {
  describe(`codec contract: ${name}`, () => {
    const codec = makeCodec(defaultLimits)
    keepsValues(codec)
    obeysItsCaller(codec)
    refusesWhatCannotGo(codec)
    keepsToLimits(makeCodec)
    survivesUserCode(makeCodec)
  })
}
