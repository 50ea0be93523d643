import { styleText } from 'node:util'
import { tableLines } from './text-table.ts'

/** One thing that a call moves, or needs and does not move. */
export interface PlanEntry {
  /** What it is called where it is used. */
  readonly name: string
  /**
   * `argument`: goes with each call; `capture`: a variable of a function around it; `global`: a variable of the module;
   * `constant`: one that is declared `const`; `function` and `class`: by source; `import`: by specifier.
   */
  readonly kind: 'argument' | 'capture' | 'global' | 'constant' | 'function' | 'class' | 'import'
  /** File and line where it is written, or used; undefined if that is not known. */
  readonly origin: string | undefined
  /** On the lane to the worker, headers included. */
  readonly bytes: number
  /**
   * `sent`; `unchanged`: compared, and the same; `known`: the worker has it, and it can't have changed; `reference`: the
   * worker gets it by itself; `refused`: it can't go, and so the call can't.
   */
  readonly action: 'sent' | 'unchanged' | 'known' | 'reference' | 'refused'
  /** Why, in a sentence. */
  readonly reason: string
}

/** What moves with a call, and why; for people by `toString`, for programs as it is. */
export interface MovementPlan {
  /** What moves, or would. */
  readonly entries: readonly PlanEntry[]
  /** The bytes of all entries. */
  readonly totalBytes: number
  /** The plan as a table. */
  toString(): string
}

class Plan implements MovementPlan {
  readonly entries: readonly PlanEntry[]
  readonly totalBytes: number

  constructor(entries: readonly PlanEntry[]) {
    this.entries = entries
    this.totalBytes = entries.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  toString(): string {
    return table(this, false)
  }

  [Symbol.for('nodejs.util.inspect.custom')](_depth: number, { colors }: { colors?: boolean }): string {
    return table(this, colors === true)
  }
}

export const planOf = (entries: readonly PlanEntry[]): MovementPlan => new Plan(entries)

const colourOf = {
  sent: 'yellow',
  unchanged: 'green',
  known: 'green',
  reference: 'blue',
  refused: 'red',
} as const

function table({ entries, totalBytes }: MovementPlan, hasColours: boolean): string {
  const rows = entries.toSorted((a, b) => Number(b.action === 'refused') - Number(a.action === 'refused'))
  const [head = '', ...lines] = tableLines(
    [
      ['name', 'kind', 'bytes', 'action', 'where', 'why'],
      ...rows.map(({ name, kind, bytes, action, origin, reason }) => {
        return [name, kind, String(bytes), action, origin?.replace(/^.*[\\/]/, '') ?? '', reason]
      }),
    ],
    new Set([2]),
  )
  // Whoever asked for colours has decided; later versions of Node.js would look at standard output.
  const paint = (line: string, index: number): string =>
    hasColours ? styleText(colourOf[rows[index]!.action], line, { validateStream: false }) : line
  const isRefused = entries.some(({ action }) => action === 'refused')
  return [
    ...(isRefused ? [] : [head]),
    ...lines.map(paint),
    isRefused ? 'Nothing would be sent.' : `${totalBytes} bytes in all`,
  ].join('\n')
}
