import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type AnyNode, type Node, parse } from 'acorn'
import { analyze } from 'eslint-scope'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { analyseFunction } from '../../src/movement/free-names.ts'

// Real code of many authors, hand-written, compiled and bundled; `eslint-scope` is the measure.
const packageRoot = join(import.meta.dirname, '../../node_modules')
/** Larger are only compilers in one file, which take longer than all others together. */
const largestFileBytes = 2_000_000
/** All of it takes about half of that on a machine with nothing else to do. */
const cpuBudgetMs = 55_000

/** All files that are there, in an order in which the packages take turns, so that none is last. */
function sourceFiles(): string[] {
  const byPackage: string[][] = []
  const enter = (path: string, found: string[]): void => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if (entry.isDirectory()) enter(join(path, entry.name), found)
      else if (/\.[cm]?js$/.test(entry.name)) found.push(join(path, entry.name))
    }
  }
  for (const name of readdirSync(packageRoot).toSorted()) {
    const found: string[] = []
    if (!name.startsWith('.') && statSync(join(packageRoot, name)).isDirectory()) {
      enter(join(packageRoot, name), found)
    }
    byPackage.push(found.toSorted())
  }
  const longest = Math.max(...byPackage.map(({ length }) => length))
  return Array.from({ length: longest }, (_, turn) => byPackage.flatMap((files) => files[turn] ?? [])).flat()
}

function parseFile(text: string): { program: Node; isModule: boolean } | undefined {
  for (const sourceType of ['script', 'module'] as const) {
    try {
      const options = {
        ecmaVersion: 'latest',
        allowHashBang: true,
        allowReturnOutsideFunction: true,
      } as const
      return { program: parse(text, { ...options, sourceType }), isModule: sourceType === 'module' }
    } catch {}
  }
  return undefined
}

/** The outermost functions and classes of a file, each as text that stands for itself. */
function outermost(node: Node, text: string, found: string[] = []): string[] {
  const { type } = node as AnyNode
  if (/^(Function|ArrowFunction|Class)(Expression|Declaration)$/.test(type)) {
    found.push(text.slice(node.start, node.end))
    return found
  }
  for (const [key, value] of Object.entries(node) as [string, unknown][]) {
    const isMember =
      key === 'value' && ((node as { method?: boolean }).method || /^[gs]et$/.test((node as any).kind))
    for (const item of Array.isArray(value) ? value : [value]) {
      if (typeof item?.type !== 'string') continue
      if (isMember) found.push(text.slice(node.start, node.end))
      else outermost(item, text, found)
    }
  }
  return found
}

/** The free names, those that are assigned to marked by `=`. */
function eslintFreeNames(source: string, isStrict: boolean): string[] | undefined {
  for (const [before, after] of [
    ['(', '\n)'],
    ['({', '\n})'],
  ] as const) {
    try {
      const tree = parse((isStrict ? '"use strict";' : '') + before + source + after, {
        ecmaVersion: 'latest',
        allowImportExportEverywhere: true,
        ranges: true,
      })
      const { globalScope } = analyze(tree as never, { ecmaVersion: 2022, sourceType: 'script' })
      const references = (globalScope?.through ?? []) as {
        identifier: { name: string }
        isWrite(): boolean
      }[]
      const written = new Set(references.filter((one) => one.isWrite()).map((one) => one.identifier.name))
      const names = new Set(references.map((one) => one.identifier.name))
      return [...names].map((name) => (written.has(name) ? `${name}=` : name)).toSorted()
    } catch {}
  }
  return undefined
}

// `arguments` of outside has a fact of its own; eslint-scope lists it as a name.
const freeNames = (source: string, isStrict: boolean): string[] => {
  const { freeNames: free, usesOuterArguments } = analyseFunction(source, isStrict)
  return [
    ...free.map(({ name, isWritten }) => (isWritten ? `${name}=` : name)),
    ...(usesOuterArguments ? ['arguments'] : []),
  ].toSorted()
}

interface Tally {
  functions: number
  names: number
  /** Functions that don't stand for themselves as text: eslint-scope has no answer. */
  unparsable: number
  differences: string[]
}

const newTally = (): Tally => ({ functions: 0, names: 0, unparsable: 0, differences: [] })

function compare(source: string, isStrict: boolean, label: string, tally: Tally): void {
  const expected = eslintFreeNames(source, isStrict)
  if (expected === undefined) {
    tally.unparsable++
    return
  }
  const found = freeNames(source, isStrict)
  tally.functions++
  tally.names += found.length
  if (found.join() === expected.join()) return
  const onlyHere = found.filter((name) => !expected.includes(name))
  const onlyThere = expected.filter((name) => !found.includes(name))
  tally.differences.push(
    `${label}: only here ${onlyHere.join()}, only there ${onlyThere.join()}: ${source.slice(0, 200)}`,
  )
}

test(
  'analyseFunction() finds the names that eslint-scope finds, in all files that there are',
  { timeout: 240_000 },
  () => {
    const tally = newTally()
    const seen = new Set<string>()
    const count = { compared: 0, same: 0, tooLarge: 0, unparsable: 0, left: 0 }
    const startedAt = process.cpuUsage()
    for (const file of sourceFiles()) {
      const { user, system } = process.cpuUsage(startedAt)
      const text = readFileSync(file, 'utf8').replace(/^#!.*/, '')
      const isNew = seen.size < seen.add(createHash('sha1').update(text).digest('base64')).size
      if ((user + system) / 1000 > cpuBudgetMs) count.left++
      else if (!isNew) count.same++
      else if (text.length > largestFileBytes) count.tooLarge++
      else {
        const parsed = parseFile(text)
        if (parsed === undefined) {
          count.unparsable++
          continue
        }
        count.compared++
        for (const source of outermost(parsed.program, text)) compare(source, parsed.isModule, file, tally)
        if (!parsed.isModule) compare(`function () {${text}\n}`, false, file, tally)
      }
    }
    console.log(
      `compared ${tally.functions} functions with ${tally.names} free names in ${count.compared} files: ` +
        `${tally.differences.length} different; left out: ${tally.unparsable} functions and ${count.unparsable} files that ` +
        `don't parse, ${count.same} files that are there twice, ${count.tooLarge} too large, ${count.left} for want of time`,
    )
    expect(tally.differences).toEqual([])
    expect(count.compared).toBeGreaterThan(500)
    expect(tally.functions).toBeGreaterThan(5000)
    expect(tally.names).toBeGreaterThan(tally.functions)
    expect(tally.unparsable).toBeLessThan(tally.functions / 100)
  },
)

const name = fc.constantFrom('a', 'b', 'c', 'd')
const words = (...parts: (string | fc.Arbitrary<string>)[]): fc.Arbitrary<string> =>
  fc
    .tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part)))
    .map((all) => all.join(' '))

const { body } = fc.letrec<Record<'expression' | 'pattern' | 'target' | 'statement' | 'body', string>>(
  (tie) => ({
    expression: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      name,
      words('(', tie('pattern'), ') => {', tie('body'), '}').map((arrow) => `(${arrow})`),
      words(name, '=>', name).map((arrow) => `(${arrow})`),
      words('function', name, '(', tie('pattern'), ') {', tie('body'), '}').map((text) => `(${text})`),
      words('(class', name, 'extends', name, '{ [', tie('expression'), '] = ', tie('expression'), '})'),
      words('(class { static {', tie('body'), '} ', name, '(', tie('pattern'), ') { return', name, '} })'),
      words('(', tie('target'), '=', tie('expression'), ')'),
      words('({', name, ', [', name, ']:', tie('expression'), ',', name, '() {', tie('body'), '} })'),
      words(name, '?.', name, '[', tie('expression'), ']'),
      words('`${', tie('expression'), '}`'),
      words('typeof', name),
    ),
    pattern: fc.oneof(
      { maxDepth: 2, withCrossShrink: true },
      name,
      words('{', name, '=', tie('expression'), ', ...', name, '}'),
      words('[', tie('pattern'), '=', tie('expression'), ']'),
      words('{ [', tie('expression'), ']:', tie('pattern'), '}'),
    ),
    target: fc.oneof(
      { maxDepth: 2, withCrossShrink: true },
      name,
      words(name, '.', name),
      words('[', tie('target'), '=', tie('expression'), ']'),
      words('{', name, ', [', tie('expression'), ']:', tie('target'), '}'),
    ),
    statement: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      words(';', tie('expression'), ';'),
      words(fc.constantFrom('var', 'let', 'const'), tie('pattern'), '=', tie('expression'), ';'),
      words('function', name, '(', tie('pattern'), ') {', tie('body'), '}'),
      words('class', name, 'extends', name, '{}'),
      words('{', tie('body'), '}'),
      words('if (', name, ') {', tie('body'), '}'),
      words(
        'for (',
        fc.constantFrom('var', 'let', 'const', ''),
        name,
        'of',
        tie('expression'),
        ') {',
        tie('body'),
        '}',
      ),
      words('for (let', name, '= 0;', name, ';', name, '++) {', tie('body'), '}'),
      words('try {', tie('body'), '} catch (', tie('pattern'), ') {', tie('body'), '}'),
      words('switch (', name, ') { case', tie('expression'), ':', tie('body'), '}'),
      words(name, ': for (;;) break', name, ';'),
    ),
    body: fc.array(tie('statement'), { maxLength: 3 }).map((statements) => statements.join(' ')),
  }),
)

test(
  'analyseFunction() finds the names that eslint-scope finds, in generated functions',
  { timeout: 120_000 },
  () => {
    const tally = newTally()
    fc.assert(
      fc.property(body, (text) => {
        compare(`(a, b = () => c) => {${text}}`, true, 'generated', tally)
        expect(tally.differences).toEqual([])
      }),
      { numRuns: 1500 },
    )
    expect(tally.functions).toBeGreaterThan(300)
  },
)
