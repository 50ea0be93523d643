import { Visitor } from 'rolldown/utils'
import { filesBelow, lineAt, parseSource, type SourceFile } from './source-files.ts'

/** Lines with code on them; blank lines and comments are free. */
export const sizeLimits = { file: 300, function: 60 }

/** Files and functions of `src` and `scripts` that are too long. Unlike the linter's rule it can't be switched off. */
export function sizeFaults(root: string): string[] {
  return ['src', 'scripts'].flatMap((folder) => filesBelow(root, folder, /\.(ts|mjs)$/)).flatMap(faultsOf)
}

function faultsOf(file: SourceFile): string[] {
  const { program, comments } = parseSource(file)
  const code = withoutComments(file.text, comments)
  const faults: string[] = []
  const check = (what: string, start: number, end: number, limit: number): void => {
    const lines = code
      .slice(start, end)
      .split('\n')
      .filter((line) => line.trim() !== '').length
    if (lines > limit) faults.push(`${what} has ${lines} lines of code; the limit is ${limit}`)
  }
  check(file.path, 0, code.length, sizeLimits.file)
  const checkFunction = (node: { start: number; end: number }): void => {
    check(
      `the function at ${file.path}:${lineAt(file.text, node.start)}`,
      node.start,
      node.end,
      sizeLimits.function,
    )
  }
  new Visitor({
    FunctionDeclaration: checkFunction,
    FunctionExpression: checkFunction,
    ArrowFunctionExpression: checkFunction,
  }).visit(program)
  return faults
}

/** The text with every comment blanked, positions and line ends kept. */
function withoutComments(text: string, comments: readonly { start: number; end: number }[]): string {
  let code = ''
  let position = 0
  for (const { start, end } of comments) {
    code += text.slice(position, start) + text.slice(start, end).replaceAll(/[^\n]/g, ' ')
    position = end
  }
  return code + text.slice(position)
}
