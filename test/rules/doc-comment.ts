/** A docstring, taken apart. */
export interface DocComment {
  readonly description: string
  readonly tags: readonly DocTag[]
}

interface DocTag {
  /** Without `@`. */
  readonly name: string
  /** All that follows the name, to the next tag; begins with a line end if nothing is on the tag's own line. */
  readonly text: string
}

/** Parses the inside of a block comment that began with two stars. A tag stands at the start of a line. */
function parseDocComment(comment: string): DocComment {
  const lines = comment
    .replace(/^\*/, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, '').trimEnd())
  const parts: string[][] = [[]]
  let isFenced = false
  for (const line of lines) {
    if (/^\s*```/.test(line)) isFenced = !isFenced
    if (!isFenced && /^\s*@\w/.test(line)) parts.push([line.trimStart()])
    else parts.at(-1)?.push(line)
  }
  const [description = [], ...tags] = parts
  return {
    description: description.join('\n').trim(),
    tags: tags.map((tag) => {
      const [, name = '', text = ''] = /^@(\w+)([\s\S]*)$/.exec(tag.join('\n')) ?? []
      return { name, text: text.replace(/^[ \t]+/, '').trimEnd() }
    }),
  }
}

/** The docstring that ends right before `position`, if there is one. */
export function docCommentBefore(
  text: string,
  comments: readonly { type: string; value: string; start: number; end: number }[],
  position: number,
): DocComment | undefined {
  const comment = comments.findLast((one) => one.end <= position)
  if (comment === undefined || comment.type !== 'Block' || !comment.value.startsWith('*')) return undefined
  return text.slice(comment.end, position).trim() === '' ? parseDocComment(comment.value) : undefined
}
