/** How much a channel holds. */
export interface ChannelOptions {
  /** Values, 0 to 2^32 - 1; 0: each `send` waits for the `receive` that takes it. Default 64. */
  readonly capacity?: number
  /** Bytes of them, as they travel, 1 to 2^32 - 1; one value is always taken in when there is no other. Default 16 MiB. */
  readonly maxBytes?: number
}

const isWhole = (value: unknown, least: number): boolean =>
  Number.isInteger(value) && (value as number) >= least && (value as number) < 2 ** 32

const shown = (value: unknown): string => (typeof value === 'string' ? `'${value}'` : String(value))

/** @throws {TypeError | RangeError} naming the option, what was given and what is expected */
export function checkChannelOptions(options: ChannelOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`Expected the options of a channel to be an object, got ${shown(options)}.`)
  }
  for (const [name, value] of Object.entries(options)) {
    if (name !== 'capacity' && name !== 'maxBytes') {
      throw new TypeError(`A channel has no option \`${name}\`; it has \`capacity\` and \`maxBytes\`.`)
    }
    const least = name === 'capacity' ? 0 : 1
    if (value !== undefined && !isWhole(value, least)) {
      throw new RangeError(
        `Expected \`${name}\` to be a whole number from ${least} to ${2 ** 32 - 1}, got ${shown(value)}.`,
      )
    }
  }
}

/**
 * How one wait at a channel is treated, checked.
 * @throws {TypeError} naming the option, what was given and what is expected
 */
export function checkWaitOptions(what: 'send' | 'receive', options: unknown): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`Expected the options of ${what} to be an object, got ${shown(options)}.`)
  }
  for (const name of Object.keys(options)) {
    if (name !== 'signal') throw new TypeError(`${what} has no option \`${name}\`. Did you mean \`signal\`?`)
  }
  const { signal } = options as { signal?: Partial<AbortSignal> | null }
  if (signal === undefined) return
  if (typeof signal?.aborted !== 'boolean' || typeof signal.addEventListener !== 'function') {
    throw new TypeError(`Expected \`signal\` of ${what} to be an AbortSignal, got ${shown(signal)}.`)
  }
}
