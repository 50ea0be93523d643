interface WellFormed {
  isWellFormed(): boolean
}

// The decoder's TextDecoder, used over 64 bytes, takes a leading byte order mark away. 21 characters are the most
// that 64 bytes can't hold at three bytes a character.
const shortText = 21
const byteOrderMark = 0xfeff

/**
 * Whether msgpackr brings this text over unchanged: it has no lone surrogate, for which UTF-8 has no bytes, and
 * no byte order mark at its head.
 */
export function travelsAsUtf8(text: string): boolean {
  if (text.length > shortText && text.charCodeAt(0) === byteOrderMark) return false
  return (text as unknown as WellFormed).isWellFormed()
}
