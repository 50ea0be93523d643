/**
 * Bounds of one message, checked on both sides. A message over one of them is refused, before it is sent by an
 * `EncodeError`, on arrival by a `DecodeError` or a `ProtocolError`.
 */
export interface Limits {
  /** Bytes of a message without its attachments. Default 64 MiB. */
  readonly maxBodyBytes: number
  /** Bytes of all attachments (large binary) of a message together. Default 2 GiB. */
  readonly maxAttachmentBytes: number
  /** Values in a message, counted unfolded: a value that is referred to twice counts twice. Default 16 Mi. */
  readonly maxItems: number
  /** Nesting of arrays and objects. Default 256. */
  readonly maxDepth: number
}

export const defaultLimits: Limits = {
  maxBodyBytes: 64 * 2 ** 20,
  maxAttachmentBytes: 2 * 2 ** 30,
  maxItems: 16 * 2 ** 20,
  maxDepth: 256,
}
