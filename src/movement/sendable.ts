import type { Codec } from '../transport/codec.ts'

const probe = Buffer.alloc(8192)

/** Why a value can't be sent on its own; undefined if it can. */
export function whyNotSendable(codec: Codec, value: unknown): string | undefined {
  try {
    codec.encode(value, 'value', probe, 0, 0)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
