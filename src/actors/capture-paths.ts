import { EncodeError } from '../errors/data-errors.ts'
import { hasCaptures } from './callable.ts'
import type { Shipment } from '../movement/shipment.ts'

/**
 * Arguments and captured values travel as one value, `[args, captures]`; an error about it shall name what the user
 * knows: `args[0]` and `captures.rates`, not their places on the wire.
 */
export function withCapturePaths(error: unknown, shipment: Shipment): unknown {
  const { captureNames } = shipment
  if (!(error instanceof EncodeError) || !hasCaptures(shipment)) return error
  const path = error.path
    .replace(/^args\[1\]\[(\d+)\]/, (_, place: string) => `captures.${captureNames[Number(place)]}`)
    .replace(/^args\[0\]/, 'args')
  const message = error.message.replaceAll(error.path, path)
  return new EncodeError(message, { path, executed: error.executed, cause: error.cause })
}
