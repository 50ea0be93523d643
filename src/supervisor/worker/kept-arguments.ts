import { keepBody } from '../../actors/mailbox.ts'
import { isClass, servedBy } from '../../movement/flow/live-object.ts'
import { messageCodec } from '../../transport/codec/message-codec.ts'
import type { Codec } from '../../transport/codec.ts'
import { encodedBytes } from '../../transport/frame-writer.ts'
import type { Limits } from '../../transport/limits.ts'
import { liveKind } from '../../transport/live-values.ts'
import { headerBytes } from '../../transport/protocol.ts'

/** Arguments as they were when the call was made, whatever their owner does to them until it goes. */
export interface KeptArguments {
  readonly byteLength: number
  /** What in them is no data, and is the same in each copy: callbacks, channels, references. */
  readonly live: readonly object[]
  /** A copy; another one each time. */
  copy(): readonly unknown[]
}

/** How many values a call may have in its arguments to be remembered for the case that it does not arrive. */
const maxRemembered = 64

const isPrimitive = (value: unknown): boolean =>
  (typeof value !== 'object' && typeof value !== 'function') || value === null

/** What a call takes along that is no data: callbacks, channels, references. A copy of it is itself. */
const isLive = (value: object): boolean =>
  typeof value === 'function' ? !isClass(value) : servedBy(value) !== undefined

/** Copies the arguments of calls that wait: by the codec, as it would on their way. */
export class ArgumentKeeper {
  readonly #codec: Codec
  /** Parts of the arguments at hand that are no data; their tokens say where they are in it. */
  #live: object[] = []

  constructor(limits: Limits) {
    this.#codec = messageCodec(limits, {
      lower: (value) =>
        isLive(value) ? { kind: liveKind.home, number: this.#live.push(value) - 1, data: null } : undefined,
      raise: ({ number }) => this.#live[number],
    })
  }

  /** What can't be encoded is kept as it is: the call itself will say why, or knows another way. */
  keep(args: readonly unknown[]): KeptArguments {
    const codec = this.#codec
    const live: object[] = []
    this.#live = live
    try {
      const encoded = codec.encode(args, 'args', Buffer.alloc(1024), 0, headerBytes)
      const byteLength = encodedBytes(encoded)
      const { buffer, start, end, flags, attachments } = keepBody(encoded)
      const kept = attachments.map((one) => new Uint8Array(one).buffer)
      const copy = (): unknown[] => {
        // The decoder takes attachments over.
        const own = kept.map((one) => one.slice(0))
        this.#live = live
        return codec.decode({ buffer, start, end, flags, attachments: own }) as unknown[]
      }
      return { byteLength, live, copy }
    } catch {
      return { byteLength: 0, live: [], copy: () => args }
    }
  }
}

/**
 * Remembers the arguments of a call that goes at once, in case it does not arrive. Most calls do, so that this must cost
 * nearly nothing: a few plain values are copied, for more there is no second try.
 */
export function rememberArguments(args: readonly unknown[]): readonly unknown[] | undefined {
  if (!Array.isArray(args) || args.length > maxRemembered) return undefined
  if (args.every(isPrimitive)) return args.length === 0 ? args : args.slice()
  const room = { left: maxRemembered }
  const copies = args.map((one) => copyOf(one, room))
  return room.left < 0 ? undefined : copies
}

function copyOf(value: unknown, room: { left: number }): unknown {
  if (--room.left < 0 || isPrimitive(value)) return value
  const prototype: unknown = Object.getPrototypeOf(value)
  if (Array.isArray(value) && value.length <= room.left) return value.map((one) => copyOf(one, room))
  if (prototype !== Object.prototype && prototype !== null) {
    if (isLive(value as object)) return value
    room.left = -1
    return value
  }
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(value as object)) {
    if (key === '__proto__') room.left = -1
    if (room.left < 0) return value
    copy[key] = copyOf((value as Record<string, unknown>)[key], room)
  }
  return copy
}
