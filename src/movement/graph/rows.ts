/**
 * How a value travels that holds more than data: functions, classes, instances. It is a list of rows, and row 0 is its
 * root; the list itself is data, which the codec brings over. `docs/protocol.md` has the same list for people.
 *
 * A slot in a row is a primitive that is no symbol; `[n]` for what row n is, always the same thing; or `[]` for a hole.
 */
export const rowKind = {
  /** `[0, value]`: data, whole. */
  data: 0,
  /** `[1, slot…]` */
  array: 1,
  /** `[2, prototype, others, key, slot…]`; see `ObjectRow`. */
  object: 2,
  /** `[3, slot, slot…]`: keys and values in turn. */
  map: 3,
  /** `[4, slot…]` */
  set: 4,
  /** `[5, code, captured, others, key, slot…]`: a function or class. */
  function: 5,
  /** `[6, slot, isOfModule]`: a variable that several functions share; one of a module may be constant. */
  cell: 6,
  /** `[7, target, this, slot…]`: a bound function. */
  bound: 7,
  /** `[8, path…]`: what every realm has, such as `Object`, `defineProperty`. */
  intrinsic: 8,
  /** `[9, module, export]`: of a module of Node.js; `*` is all of it. */
  builtin: 9,
  /** `[10, key, isWellKnown]` */
  symbol: 10,
  /** `[11, id]`: what a binding holds. */
  held: 11,
  /** `[12, id]`: a binding itself, as the cell of a variable. */
  binding: 12,
  /** `[13, error, prototype, key, slot…]`: an error of a class of the user's. */
  error: 13,
  /** `[14, name, slot]`: the class that is registered under a name over there; if none is, the one of the slot. */
  registered: 14,
  /** `[15, slot, others, key, slot…]`: what the slot is, with more properties than its kind has. */
  with: 15,
  /** `[16, slot]`: the prototype that belongs to a function. */
  prototype: 16,
  /** `[17, slot, key, id…]`: the namespace of a module: what the slot is, and variables that it looks up. */
  namespace: 17,
  /** `[18, slot, kind, offset, length]`: a view of the buffer of the slot, such as an `Int32Array`. */
  view: 18,
} as const

export type Row = readonly unknown[]

/**
 * `others` are what is not an ordinary property, each one of these; see `integrity` for the levels.
 *
 * - `[key slot, flags, slot]`
 * - `[key slot, flags, get slot, set slot]`
 * - `[level]`: how far the object is closed, in the end
 * - `[null, slot, slot, others, key, slot…]`, of a function: what its prototype and it itself inherit from, `true` for
 *   what the text says, and the properties of its prototype
 *
 * Bits of what a property is, where it is not an ordinary one. */
export const propertyFlag = { enumerable: 1, configurable: 2, writable: 4, accessor: 8 } as const

/** What can't be done to an object any more, from nothing to anything. */
export const integrity = { open: 0, notExtensible: 1, sealed: 2, frozen: 3 } as const
