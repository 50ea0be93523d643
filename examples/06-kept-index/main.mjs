// Keeps a text in a worker, makes an index of it there, and asks both: what is large never leaves the worker.
// `node examples/06-kept-index/main.mjs`, or with `--lines 200000`.
import { rmSync, statSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { spawnWorker } from 'maltster'

const { values } = parseArgs({ options: { lines: { type: 'string', default: '50000' } } })
const lineCount = Number(values.lines)
if (!(Number.isInteger(lineCount) && lineCount >= 1000))
  throw new RangeError('--lines takes a number from 1000 on')

const folder = await mkdtemp(join(tmpdir(), 'kept-'))
const file = join(folder, 'text.txt')
const words = ['barley', 'water', 'steep', 'sprout', 'kiln', 'malt', 'mash', 'wort', 'hops', 'yeast']

const worker = await spawnWorker({ name: 'reader' })
try {
  writeText()
  console.log(`${lineCount} lines, ${statSync(file).size} bytes`)

  // The functions of the module are called there. What `keep` and `map` answer with are references, not the values.
  const text = await worker.load(() => import('./text.mjs'))
  const lines = await worker.keep(text.linesOf, [file])
  const index = await lines.map(text.indexOf)
  for (const { number, type, bytes } of worker.refs())
    console.log(`  ${number}: ${type}, about ${bytes} bytes`)

  // As arguments they are the values themselves.
  const wanted = ['malt', 'hops', 'yeast']
  console.log(`\nThe first lines with ${wanted.join(', ')}:`)
  let shown = 0
  for await (const line of text.linesWith(lines, index, wanted)) {
    console.log(`  ${line}`)
    if (++shown === 3) break
  }

  console.log('\nWhat went over for that:')
  console.log(String(worker.explain(text.linesWith, [lines, index, wanted])).replaceAll(/^/gm, '  '))

  const longest = await lines.map((all) => all.reduce((a, b) => (b.length > a.length ? b : a)))
  console.log(`\nThe longest line: ${await longest.get()}`)
  const { bytes } = await worker.stats()
  console.log(`Sent in all: ${bytes.sent < 20_000 ? 'less' : 'more'} than 20 kB`)

  lines.dispose()
  index.dispose()
  console.log(
    `Kept at the end: ${worker
      .refs()
      .map(({ type }) => type)
      .join(', ')}`,
  )
} finally {
  await worker.stop()
  rmSync(folder, { recursive: true })
}

function writeText() {
  const lines = Array.from({ length: lineCount }, (_, at) => {
    const some = words.filter((_word, place) => (at * 7 + place * place * 13) % (place + 4) === 0)
    return some.length === 0 ? 'nothing' : some.join(' ')
  })
  lines[lineCount - 1] = `${words.join(' ')} beer`
  writeFileSync(file, lines.join('\n'))
}
