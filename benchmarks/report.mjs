/** @typedef {import('./measure.mjs').Results} Results */
/** @typedef {{ metric: string, label: string, digits: number, less: boolean }} Row */

const peers = ['maltster', 'fork', 'raw', 'bare']

/**
 * The rows of the table; `less`: a smaller figure is better.
 * @param {number} inFlight
 * @param {number} mebibytes
 * @returns {Row[]}
 */
const rows = (inFlight, mebibytes) => [
  { metric: 'coldStartMs', label: 'cold start, ms', digits: 1, less: true },
  { metric: 'callP50Us', label: 'sequential call p50, µs', digits: 1, less: true },
  { metric: 'callP99Us', label: 'sequential call p99, µs', digits: 1, less: true },
  { metric: 'callCpuUs', label: '  µs of cpu a call, both ends', digits: 2, less: true },
  { metric: 'callsPerSecond', label: `${inFlight} in flight, calls/s`, digits: 0, less: false },
  { metric: 'inFlightCpuUs', label: '  µs of cpu a call, both ends', digits: 2, less: true },
  { metric: 'argumentGBs', label: `${mebibytes} MiB as argument, GB/s`, digits: 2, less: false },
  { metric: 'resultGBs', label: `${mebibytes} MiB as result, GB/s`, digits: 2, less: false },
  { metric: 'rssMiB', label: 'memory, RSS, MiB', digits: 1, less: true },
  { metric: 'pssMiB', label: 'memory, PSS, MiB', digits: 1, less: true },
  { metric: 'ownMiB', label: 'memory, its own, MiB', digits: 1, less: true },
]

/**
 * How many times better ours is than a peer; undefined if either was not measured.
 * @param {Results} results
 * @param {string} metric
 * @param {string} peer
 * @param {boolean} less
 */
export function timesBetter(results, metric, peer, less = false) {
  const ours = results[metric]?.['maltster']
  const theirs = results[metric]?.[peer]
  if (ours === undefined || theirs === undefined) return undefined
  return less ? theirs / ours : ours / theirs
}

/**
 * @param {string} title
 * @param {Results} results
 * @param {{ inFlight: number, mebibytes: number }} sizes
 */
export function table(title, results, { inFlight, mebibytes }) {
  const head = [title, ...peers, '× fork', '× raw', '× bare']
  const lines = rows(inFlight, mebibytes)
    .filter(({ metric }) => results[metric] !== undefined)
    .map(({ metric, label, digits, less }) => [
      `  ${label}`,
      ...peers.map((peer) => figure(results[metric]?.[peer], digits)),
      ...['fork', 'raw', 'bare'].map((peer) => figure(timesBetter(results, metric, peer, less), 2)),
    ])
  const widths = head.map((_, column) =>
    Math.max(...[head, ...lines].map((line) => line[column]?.length ?? 0), 8),
  )
  return [head, ...lines].map((line) => line.map((cell, at) => pad(cell, at, widths)).join('  ')).join('\n')
}

/**
 * @param {string} cell
 * @param {number} column
 * @param {number[]} widths
 */
function pad(cell, column, widths) {
  const width = widths[column] ?? 0
  return column === 0 ? cell.padEnd(width) : cell.padStart(width)
}

/**
 * @param {number | undefined} value
 * @param {number} digits
 */
export function figure(value, digits) {
  if (value === undefined || Number.isNaN(value)) return '-'
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}
