/** @typedef {{ rounds: number, ok: number, stuck: number, died: number, wrong: number, latencies: number[] }} Row */

/** What became of each way to hang. */
export class Tally {
  /** @type {Map<string, Row>} */
  #rows = new Map()
  deathsWithoutReason = 0

  /**
   * @param {string} name
   * @param {'ok' | 'stuck' | 'died' | 'wrong'} outcome
   * @param {number} latencyMs
   */
  add(name, outcome, latencyMs) {
    const row = this.#rows.get(name) ?? { rounds: 0, ok: 0, stuck: 0, died: 0, wrong: 0, latencies: [] }
    this.#rows.set(name, row)
    row.rounds++
    row[outcome]++
    if (outcome === 'ok') row.latencies.push(latencyMs)
  }

  get totals() {
    const sum = (/** @type {'rounds' | 'ok' | 'stuck' | 'died' | 'wrong'} */ key) =>
      [...this.#rows.values()].reduce((total, row) => total + row[key], 0)
    const latencies = [...this.#rows.values()].flatMap((row) => row.latencies)
    return {
      ways: this.#rows.size,
      rounds: sum('rounds'),
      ok: sum('ok'),
      stuck: sum('stuck'),
      died: sum('died'),
      wrong: sum('wrong'),
      medianMs: quantile(latencies, 0.5),
      maxMs: quantile(latencies, 1),
    }
  }

  /** The table, in the order of the names given. @param {readonly string[]} names */
  table(names) {
    const head = ['way to hang', 'rounds', 'ok', 'stuck', 'died', 'wrong', 'median ms', 'max ms']
    const lines = names.flatMap((name) => {
      const row = this.#rows.get(name)
      if (row === undefined) return []
      const { rounds, ok, stuck, died, wrong, latencies } = row
      const times = [quantile(latencies, 0.5).toFixed(1), quantile(latencies, 1).toFixed(1)]
      return [[name, rounds, ok, stuck, died, wrong, ...times].map(String)]
    })
    return [head, ...lines]
      .map(([name = '', ...cells]) => name.padEnd(18) + cells.map((cell) => cell.padStart(10)).join(''))
      .join('\n')
  }
}

/**
 * @param {readonly number[]} values
 * @param {number} share
 */
function quantile(values, share) {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
