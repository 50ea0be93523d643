/** What a token may say beside its kind and number: it is known to both sides, and small. */
export type LiveData = string | number | boolean | null

/** Stands on the wire for a value that stays where it is. */
export interface LiveToken {
  /** One of `liveKind`. */
  readonly kind: number
  /** Of the exported object: of the sender's, or of the receiver's if the kind is `home`. */
  readonly number: number
  readonly data: LiveData
}

/** Kinds of values that stay where they are. Numbers of the wire. */
export const liveKind = {
  /** An exported object of the receiver: it comes home, and is itself again. */
  home: 0,
  channel: 1,
  function: 2,
  /** A value that was kept. */
  reference: 3,
} as const

/** Tokens in place of values, for one side of one lane: what a codec asks about values that are no data. */
export interface LiveValues {
  /**
   * The token of a value that stays where it is; undefined for one that is data, or is to be refused.
   * @param value - a function, or an object that is no array and no object of the language
   * @param path - for a function: tells where in the message it is
   */
  lower(value: object, path?: () => string): LiveToken | undefined
  /**
   * What a token stands for over here. It comes from the other side: nothing about it is certain but its types.
   * Throws if there is no such thing.
   */
  raise(token: LiveToken): unknown
}
