/**
 * Lines of a table whose columns stand below each other, two spaces apart.
 * @param rows - the head among them
 * @param numbers - columns that are flushed right
 */
export function tableLines(rows: readonly (readonly string[])[], numbers: ReadonlySet<number>): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const cell = (text: string, column: number): string =>
    numbers.has(column) ? text.padStart(widths[column]!) : text.padEnd(widths[column]!)
  return rows.map((row) => row.map(cell).join('  ').trimEnd())
}
