const longestLine = 200

/** Where in the user's source something is: lines and columns count from 1. */
export interface SourcePlace {
  readonly filename: string
  readonly line: number
  readonly column: number
}

/** The source of an evaluation is not JavaScript. The message shows the place: file, line and a caret below it. */
export class EvaluateSyntaxError extends SyntaxError {
  readonly line: number
  readonly column: number
  declare readonly filename: string

  /** @param sourceLine - the line of the source that `place` is on */
  constructor(what: string, place: SourcePlace, sourceLine: string) {
    const { filename, line, column } = place
    super(`${what} (${filename}:${line}:${column})${excerpt(sourceLine, column)}`)
    this.line = line
    this.column = column
    Object.defineProperty(this, 'filename', { value: filename, configurable: true, writable: true })
    // The frames would all be ours.
    const stack = `SyntaxError: ${this.message}`
    Object.defineProperty(this, 'stack', { value: stack, configurable: true, writable: true })
  }
}

/** The source line and a caret below it; of a long line only what is around the place. */
function excerpt(sourceLine: string, column: number): string {
  if (sourceLine.trim() === '') return ''
  const caret = Math.min(column - 1, sourceLine.length)
  const start = sourceLine.length <= longestLine ? 0 : Math.max(0, caret - longestLine / 2)
  const shown = sourceLine.slice(start, start + longestLine)
  // Tabs stay tabs, so that the caret stands where the eye expects it.
  const indent = shown.slice(0, caret - start).replaceAll(/[^\t]/g, ' ')
  return `\n${shown}\n${indent}^`
}
