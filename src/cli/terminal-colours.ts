/**
 * Whether to write in colours. `FORCE_COLOR` wins over `NO_COLOR`, as in Node.js; without either, a terminal has them.
 * Source: https://no-color.org, and `tty.WriteStream.getColorDepth`.
 */
export function hasColours(
  environment: Readonly<Record<string, string | undefined>>,
  isTerminal: boolean,
): boolean {
  const {
    FORCE_COLOR: forced,
    NO_COLOR: refused,
    NODE_DISABLE_COLORS: disabled,
    TERM: terminal,
  } = environment
  if (forced !== undefined) return forced !== '0' && forced !== 'false'
  if (isSet(refused) || isSet(disabled) || terminal === 'dumb') return false
  return isTerminal
}

const isSet = (value: string | undefined): boolean => value !== undefined && value !== ''
