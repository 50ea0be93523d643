import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import type { PlanEntry } from 'maltster'
import { describe, expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'

useLeakCheck()

const root = join(import.meta.dirname, '../..')
const fixtures = join(root, 'test/fixtures/cli')
const tasks = join(fixtures, 'tasks.mjs')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  version: string
  bin: { maltster: string }
}

interface Ended {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A program, in no colours unless asked for. */
async function run(
  file: string,
  words: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<Ended> {
  const { FORCE_COLOR: _, NO_COLOR: __, ...inherited } = process.env
  const child = spawn(process.execPath, [file, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: fixtures,
    env: { ...inherited, ...environment },
  })
  const ended = once(child, 'close') as Promise<[number | null]>
  const [stdout, stderr, [exitCode]] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  return { exitCode, stdout, stderr }
}

/** The program that package.json names. */
const maltster = (words: readonly string[], environment?: NodeJS.ProcessEnv): Promise<Ended> =>
  run(join(root, manifest.bin.maltster), words, environment)

const planIn = ({ stdout }: Ended) => JSON.parse(stdout) as { entries: PlanEntry[]; totalBytes: number }
const action = ({ entries }: { entries: PlanEntry[] }, name: string) =>
  entries.find((entry) => entry.name === name)?.action

test('the program begins with a line that has Node.js run it', () => {
  expect(readFileSync(join(root, manifest.bin.maltster), 'utf8').split('\n')[0]).toBe('#!/usr/bin/env node')
})

describe('maltster explain', () => {
  test('prints the plan as JSON where nobody sees it, and it is the plan that explain() makes', async () => {
    const ended = await maltster(['explain', 'tasks.mjs#convert', '[100]'])
    // The function is not called, and what the file prints is kept apart.
    expect(ended).toMatchObject({ exitCode: 0, stderr: 'imported\n' })
    const { stdout } = await run(join(fixtures, 'explains.mjs'), [])
    expect(planIn(ended)).toEqual(JSON.parse(stdout.replace('imported\n', '')))
    expect(planIn(ended).entries.map(({ name, kind }) => [name, kind])).toEqual([
      ['convert', 'function'],
      ['rate', 'constant'],
      ['fee', 'global'],
      ['arguments', 'argument'],
    ])
  })

  test('takes the default export, a path or a URL, and counts the arguments', async () => {
    const [without, withArguments] = await Promise.all([
      maltster(['explain', tasks]),
      maltster(['explain', pathToFileURL(tasks).href, `["${'x'.repeat(100)}"]`]),
    ])
    expect([without.exitCode, withArguments.exitCode]).toEqual([0, 0])
    expect(action(planIn(without), 'nameOf')).toBe('sent')
    expect(action(planIn(without), 'basename')).toBe('reference')
    expect(planIn(withArguments).totalBytes - planIn(without).totalBytes).toBeGreaterThan(90)
  })

  test('prints a table on demand, in colours on demand', async () => {
    const words = ['explain', 'tasks.mjs#convert', '--table']
    const [plain, coloured, refusedColours] = await Promise.all([
      maltster(words),
      maltster(words, { FORCE_COLOR: '1' }),
      maltster(words, { NO_COLOR: '1' }),
    ])
    expect(plain.stdout).toMatch(/^name +kind +bytes +action +where +why\n/)
    expect(plain.stdout).toMatch(/\nconvert +function +\d+ +sent +tasks\.mjs:11 /)
    expect(plain.stdout).toMatch(/\n\d+ bytes in all\n$/)
    expect(coloured.stdout).toContain('\u001B[33mconvert')
    expect(refusedColours.stdout).toBe(plain.stdout)
  })

  test('exits with 1 for what is refused, the culprit on the first line', async () => {
    const [json, table] = await Promise.all([
      maltster(['explain', 'tasks.mjs#refused']),
      maltster(['explain', 'tasks.mjs#refused', '--table']),
    ])
    expect([json.exitCode, table.exitCode]).toEqual([1, 1])
    expect(planIn(json).entries).toMatchObject([{ action: 'refused', bytes: 0 }])
    expect(table.stdout.split('\n')[0]).toContain('refused → later (Promise)')
  })

  test('loads TypeScript where this Node.js does, and says what to take where it does not', async () => {
    const ended = await maltster(['explain', 'typed.ts#convert', '[1]'])
    const strips = Boolean((process.features as { typescript?: unknown }).typescript)
    expect(ended.exitCode).toBe(strips ? 0 : 2)
    if (strips) expect(action(planIn(ended), 'rate')).toBe('sent')
    else expect(ended.stderr).toContain("NODE_OPTIONS='--import tsx'")
    const loader = { NODE_OPTIONS: `--import=${import.meta.resolve('tsx')}` }
    const loaded = await maltster(['explain', 'typed.ts#convert', '[1]'], loader)
    expect(loaded).toMatchObject({ exitCode: 0, stderr: '' })
    expect(action(planIn(loaded), 'rate')).toBe('sent')
  })

  test.each([
    [['explain'], 'Which function?'],
    [['explain', 'tasks.mjs#convrt'], 'Did you mean `convert`?'],
    [['explain', 'tasks.mjs#number'], 'is no function, but number'],
    [['explain', 'absent.mjs#convert'], 'There is no file `absent.mjs`.'],
    [['explain', '#convert'], 'There is no file ``.'],
    [['explain', 'broken.mjs'], 'RangeError: broken on purpose'],
    [['explain', 'leaves.mjs'], 'ended the process while it was imported'],
    [['explain', 'never.mjs'], 'never finished'],
    [['explain', 'tasks.mjs#convert', '100'], 'a JSON array'],
    [['explain', 'tasks.mjs#convert', '[100'], 'a JSON array'],
    [['explain', 'tasks.mjs#convert', '1', '2'], '`2` is too much'],
    [['explain', 'tasks.mjs', '--tabel'], 'Did you mean `--table`?'],
    [['explain', 'tasks.mjs', '--json=yes'], '`--json` takes no value'],
    [['explain', '--', 'tasks.mjs#convert', '--table'], '`--table` stands behind `--`'],
    [['explain', 'tasks.mjs#convert', '--', '--json'], '`--json` stands behind `--`'],
    [['explain', '--', '--x'], 'There is no file `--x`'],
    [['explain', 'tasks.mjs', '--json', '--table'], 'exclude each other'],
    [['explian'], 'Did you mean `explain`?'],
    [['--versoin'], 'Did you mean `--version`?'],
    [[], 'usage: maltster COMMAND'],
  ])('exits with 2 and prints nothing for %j', async (words, message) => {
    const { exitCode, stdout, stderr } = await maltster(words)
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toContain(message)
  })

  test('tells its own usage, its version, and that of its command', async () => {
    const [help, short, version, explainHelp] = await Promise.all([
      maltster(['--help']),
      maltster(['-h']),
      maltster(['--version']),
      maltster(['explain', '--help']),
    ])
    expect(help).toMatchObject({ exitCode: 0, stderr: '' })
    expect(help.stdout).toMatch(/^usage: maltster COMMAND\n[^]*\n {2}explain /)
    expect(short.stdout).toBe(help.stdout)
    expect(version).toEqual({ exitCode: 0, stdout: `${manifest.version}\n`, stderr: '' })
    expect(explainHelp).toMatchObject({ exitCode: 0, stderr: '' })
    expect(explainHelp.stdout).toMatch(/^usage: maltster explain FILE/)
  })
})
