import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { RemoteError } from 'maltster'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { quietWorker, rejection } from './workers.ts'

useLeakCheck('file')

const source = fileURLToPath(new URL('../fixtures/source-maps/sender.ts', import.meta.url))
const lines = readFileSync(source, 'utf8').split('\n')
const lineOf = (mark: string): number => lines.findIndex((line) => line.includes(mark)) + 1
let made: string

beforeAll(() => {
  // Inside the package, so that `maltster` is found by its own name.
  made = mkdtempSync(join(import.meta.dirname, '../.source-maps-'))
})

afterAll(() => {
  rmSync(made, { recursive: true, force: true })
})

async function bundled(sourcemap: boolean | 'inline', minify = false): Promise<string> {
  const file = join(made, `bundle-${String(sourcemap)}-${String(minify)}.mjs`)
  const build = await rolldown({ input: source, external: ['maltster'], platform: 'node' })
  await build.write({ file, format: 'esm', sourcemap, minify, codeSplitting: false })
  await build.close()
  return file
}

/** What the program saw of its worker's stacks. */
function report(file: string, flags: readonly string[]): { thrown: string; cut: string; origin: string } {
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, file], {
    encoding: 'utf8',
    timeout: 60_000,
  })
  const line = stdout.trim().split('\n').at(-1) ?? ''
  if (!line.startsWith('{')) throw new Error(`no report from ${file}: ${stdout}${stderr}`)
  return JSON.parse(line) as { thrown: string; cut: string; origin: string }
}

const enabled = ['--enable-source-maps']
const url = pathToFileURL(source).href
const places = { thrown: `${url}:${lineOf('THROWN HERE')}:`, cut: `${url}:${lineOf('SPUN HERE')}:` }

test.each<[string, boolean | 'inline', boolean]>([
  ['beside it', true, false],
  ['in it', 'inline', false],
  ['beside it, minified', true, true],
])('stacks of a bundle with a source map %s show what the user wrote', async (_what, sourcemap, minify) => {
  const { thrown, cut } = report(await bundled(sourcemap, minify), enabled)
  expect(thrown).toContain(places.thrown)
  expect(thrown).not.toContain('bundle-')
  expect(cut).toContain(places.cut)
})

test('without being asked Node.js shows what it runs, and so do we', async () => {
  const file = await bundled(true)
  const { thrown } = report(file, [])
  expect(thrown).toContain(`${pathToFileURL(file).href}:`)
})

// Five bundles, each run by a process that starts another.
test(
  'a map that is missing, broken, or another thing altogether changes nothing',
  { timeout: 120_000 },
  async () => {
    for (const content of [undefined, '{', '[]', 'null', '{"version":3,"sources":[1],"mappings":"!!!!"}']) {
      const file = await bundled(true, true)
      if (content === undefined) rmSync(`${file}.map`)
      else {
        const { writeFileSync } = await import('node:fs')
        writeFileSync(`${file}.map`, content)
      }
      expect(report(file, enabled).thrown).toContain('RangeError: order 7')
    }
  },
)

test('stacks of TypeScript under tsx show what the user wrote', () => {
  const tsx = pathToFileURL(
    join(dirname(createRequire(import.meta.url).resolve('tsx/package.json')), 'dist/loader.mjs'),
  ).href
  const { thrown, cut, origin } = report(source, ['--import', tsx])
  expect(thrown).toContain(places.thrown)
  expect(cut).toContain(places.cut)
  expect(origin).toBe(`${url}:${lineOf('function spin')}`)
})

interface Padding {
  readonly some: string
  readonly lines: number
}

test('stacks of a vitest test show what the user wrote', async () => {
  await using worker = await quietWorker()
  const padding: Padding = { some: 'type', lines: 4 }
  const thrower = (given: Padding): never => {
    throw new TypeError(given.some) // THROWN IN VITEST
  }
  const error = await rejection(
    worker.call(() => thrower(padding)),
    RemoteError,
  )
  const own = readFileSync(fileURLToPath(import.meta.url), 'utf8').split('\n')
  const line = own.findIndex((one) => one.includes('// THROWN IN VITEST')) + 1
  expect(error.remoteStack).toMatch(new RegExp(`thrower \\(.*movement-source-maps\\.test\\.ts:${line}:11\\)`))
})
