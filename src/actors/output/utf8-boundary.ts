/** How many bytes the UTF-8 character that begins with this byte has. */
function characterBytes(first: number): number {
  if (first < 0xc0 || first >= 0xf8) return 1
  if (first < 0xe0) return 2
  return first < 0xf0 ? 3 : 4
}

/**
 * How many of the first `maxBytes` bytes can be taken without a character being cut in two: `maxBytes` or up to three
 * fewer. Looks at nothing behind them, so that the answer does not depend on what has arrived yet.
 */
export function wholeCharacterBytes(bytes: Buffer, maxBytes: number): number {
  const end = Math.min(maxBytes, bytes.length)
  for (let back = 1; back <= 3 && back <= end; back++) {
    const byte = bytes[end - back]!
    const isContinuation = byte >= 0x80 && byte < 0xc0
    if (!isContinuation) return characterBytes(byte) > back ? end - back : end
  }
  return end
}
