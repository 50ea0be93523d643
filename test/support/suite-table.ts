/** Outcome of some tests or checks. */
export interface Count {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** Time they took; those of two files may have run at once. */
  readonly ms?: number
}

/** Reads a count that came as JSON. */
export function parseCount(data: { passed: boolean; ms: number }): Count {
  return { passed: data.passed ? 1 : 0, failed: data.passed ? 0 : 1, skipped: 0, ms: data.ms }
}

/** One row per suite in order of name, and the wall time of the whole. */
export function suiteTable(suites: ReadonlyMap<string, Count>, wallMs: number): string {
  const rows = [...suites]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([suite, { passed, failed, skipped, ms }]) => [suite, duration(ms ?? 0), passed, failed, skipped])
  const table = [['suite', 'time', 'passed', 'failed', 'skipped'], ...rows].map((row) => row.map(String))
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? []
  const lines = table.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  )
  return `${lines.join('\n')}\nwall time of the tests: ${duration(wallMs)}`
}

/** The line that a run ends with. */
export function countsLine(counts: readonly Count[]): string {
  const sum = (key: 'passed' | 'failed' | 'skipped'): number =>
    counts.reduce((total, count) => total + count[key], 0)
  const skipped = sum('skipped')
  return `${sum('passed')} passed, ${sum('failed')} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

/** `1 min 05.2 s`, or `5.2 s`. */
export function duration(ms: number): string {
  const tenths = Math.round(ms / 100)
  const seconds = ((tenths % 600) / 10).toFixed(1)
  const minutes = Math.floor(tenths / 600)
  return minutes === 0 ? `${seconds} s` : `${minutes} min ${seconds.padStart(4, '0')} s`
}
