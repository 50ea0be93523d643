/**
 * The node table: how values travel that msgpackr alone would lose or change. The body is one msgpack array of
 * rows, a row for each object; row 0 is the root. A row is an array that begins with its kind. `docs/protocol.md`
 * has the same list for people.
 *
 * A row holds slots. A slot is whole in itself, or refers to a row, so that a table nests three deep at most:
 *
 * - nil, boolean, number, text, undefined (`d4 00 00`): itself
 * - bin: a text that has no UTF-8 form, as UTF-16 little endian
 * - `[]`: -0
 * - `[text]`: a bigint, in hexadecimal digits, with a `-` in front if it is negative
 * - `[n]`: the object of row n; the same object wherever the same n stands, which is how cycles are kept
 *
 * A key is a text or a bin.
 */
export const nodeKind = {
  /** `[0, slot]`: the root is not an object. Row 0 only. */
  value: 0,
  /** `[1, slot…]`: an array without holes. */
  array: 1,
  /** `[2, length, index, slot, index, slot…]`: an array with holes; indexes rise. */
  sparseArray: 2,
  /** `[3, key, slot, key, slot…]` */
  object: 3,
  /** `[4, key, slot…]`: an object without a prototype. */
  nullObject: 4,
  /** `[5, slot, slot…]`: keys and values in turn. */
  map: 5,
  /** `[6, slot…]` */
  set: 6,
  /** `[7, number]`: milliseconds since 1970, or NaN. */
  date: 7,
  /** `[8, source key, flags text]` */
  regExp: 8,
  /** `[9, name, message, stack, key, slot, key, slot…]`: each of the three is a slot, undefined if there is none. */
  error: 9,
  /** `[10, slot]`: a Number, String, Boolean or BigInt object. */
  boxed: 10,
  /** `[11, text]`: a URL. */
  url: 11,
  /** `[12, type, bin]` or `[12, type, n]`: memory, inline or as attachment n. Types are in `binary-types.ts`. */
  binary: 12,
  /** `[13, name, slot]`: an instance of a registered class; the slot is what its `encode` returned. */
  instance: 13,
  /** `[14, kind, number, data]`: a value that stays where it is. Kinds are in `live-values.ts`; data is a primitive. */
  live: 14,
} as const

/** Greatest nesting of the bytes of a node table: table, row, slot. */
export const tableDepth = 3

/** A row takes at most so many msgpack values for each item that it counts: an empty error, and what refers to it. */
export const tableValuesPerItem = 8

/** Hexadecimal digits of a bigint, characters of a pattern or of a URL: longer ones take too long to rebuild. */
export const maxSpecialText = 65_536

/** Characters of what the token of a live value says. */
export const maxLiveText = 4096

/** Binary from this size on travels beside the body. */
export const leastAttachment = 4096

/** The frame header counts attachments in 16 bits. */
export const maxAttachments = 65_535

/** Properties of an error that are not enumerable on the rebuilt one, as on one that the language made. */
export const quietErrorKeys: ReadonlySet<string> = new Set(['name', 'message', 'stack', 'cause', 'errors'])
