const frameLine = /^\s+at /

/**
 * A stack without the frames that are none of the user's: those of `node:vm` and of `runtimeFiles`, and what
 * Node.js does below the last frame of the user.
 * @param stack - of an error, or any text that holds one
 * @param runtimeFiles - paths or URLs as they appear in frames, of files, or of directories with a slash at the end
 */
export function cleanStack(stack: string, runtimeFiles: readonly string[] = []): string {
  const lines = stack.split('\n')
  const kept = lines.filter((line) => !isRuntimeFrame(line, runtimeFiles))
  const lastUser = kept.findLastIndex((line) => frameLine.test(line) && !isNodeFrame(line))
  if (lastUser < 0) return kept.join('\n')
  return kept.filter((line, index) => index <= lastUser || !isNodeFrame(line)).join('\n')
}

function isRuntimeFrame(line: string, runtimeFiles: readonly string[]): boolean {
  if (!frameLine.test(line)) return false
  const place = placeOf(line)
  return (
    place.startsWith('node:vm:') ||
    runtimeFiles.some((file) => place.startsWith(file.endsWith('/') ? file : `${file}:`))
  )
}

const isNodeFrame = (line: string): boolean => frameLine.test(line) && placeOf(line).startsWith('node:')

/** `file:line:column` of a frame, with or without a function's name in front. */
function placeOf(line: string): string {
  const parenthesis = line.lastIndexOf(' (')
  if (parenthesis >= 0 && line.endsWith(')')) return line.slice(parenthesis + 2, -1)
  return line.replace(/^\s+at (async )?/, '')
}
