import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { docstringExamples, type Example, fencedExamples, merge } from './doc-examples.ts'
import { ExampleFolder } from './example-runner.ts'
import { docFaults } from './public-docs.ts'
import { root, temporaryTree } from './temporary-tree.ts'

useLeakCheck('file')

/** Pages whose blocks of code are run. */
const pages = [
  'README.md',
  'docs/data-movement.md',
  'docs/pools.md',
  'docs/reports.md',
  'docs/supervision.md',
]

function publicEntries(): string[] {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { types: string }>
  }
  return Object.values(exports).flatMap((entry) =>
    typeof entry === 'string' ? [] : [entry.types.replace('./', '')],
  )
}

describe('the public documentation', () => {
  const ofDocstrings = (): Example[] => [...docstringExamples(root, publicEntries()).examples]
  const ofPages = (): Example[] =>
    pages.flatMap((page) => [...fencedExamples(page, readFileSync(join(root, page), 'utf8')).examples])

  test('says of everything exported what it is, and of every parameter', () => {
    expect(docFaults(root, publicEntries())).toEqual([])
  })

  test('has examples that are written as such', () => {
    const parts = pages.map((page) => fencedExamples(page, readFileSync(join(root, page), 'utf8')))
    expect(merge([docstringExamples(root, publicEntries()), ...parts]).faults).toEqual([])
  })

  test('has docstrings whose examples compile and do what they say', { timeout: 300_000 }, async () => {
    const folder = new ExampleFolder(root)
    expect(await folder.typeFaults(ofDocstrings())).toEqual([])
    expect(await folder.runFaults(ofDocstrings())).toEqual([])
  })

  test('has pages whose examples compile and do what they say', { timeout: 300_000 }, async () => {
    const folder = new ExampleFolder(root)
    expect(await folder.typeFaults(ofPages())).toEqual([])
    expect(await folder.runFaults(ofPages())).toEqual([])
  })
})

describe('docFaults()', () => {
  const faultsOf = (declarations: string): string[] =>
    docFaults(temporaryTree({ 'index.d.ts': declarations }), ['index.d.ts']).map((fault) =>
      fault.replace('index.d.ts: ', '').replace('index.d.ts ', ''),
    )

  test('takes what is documented', () => {
    const faults = faultsOf(`
      /** An error. */
      export declare class OddError extends Error { /** Why. */ readonly reason: string; constructor(x: string) }
      /**
       * Halves.
       * @param value - an even number
       * @param options - none yet
       * @throws {OddError} if \`value\` is odd
       * @throws {TypeError} if it is no number
       * @example
       * half(2)
       */
      export declare function half(value: number, { a }?: { a?: 1 }): number
      /**
       * Calls.
       * @param fn - what
       * @param args - its arguments
       * @param options - how
       * @throws {TypeError | OddError} if anything is wrong
       * @example
       * call(half, [2])
       */
      export declare function call(fn: unknown, ...rest: [args?: unknown[], options?: object]): void
      export declare function call(fn: unknown): void
      /** A handle. @example is not at the start of a line here. */
      export interface Handle {
        /** Its name. */
        readonly name: string
        /**
         * Ends it.
         * @param reason - why
         */
        stop(reason: string): void
        stop(): void
      }
      /** Words. */
      export type Word = 'a' | 'b'
      /** A number. */
      export declare const limit: number
    `)
    expect(faults).toEqual([])
  })

  test.each([
    ['export declare function f(): void', ['f has no docstring', 'f has no @example']],
    ['// not a docstring\nexport declare const a: 1', ['a has no docstring']],
    ['/** One. */\n\nexport declare const a: 1, b: 2\nexport type C = 1', ['C has no docstring']],
    ['/** @example\n * f()\n */\nexport declare function f(): void', ['f has no description']],
    [
      '/**\n * Does.\n * @param b - what\n * @param c -\n * @example\n * f()\n */\nexport declare function f(a: 1, c: 2): void',
      ['f has no @param a', 'f: @param c says nothing', 'f has no parameter b, but a @param'],
    ],
    [
      '/** A. @throws\n * @throws RangeError if odd\n * @throws {Missing} if odd\n * @throws {Error}\n */\nexport declare const a: 1',
      [
        'a: write "@throws {ErrorClass} when", not "@throws RangeError if odd"',
        'a: @throws {Missing} is not exported',
        "a: @throws {Error} doesn't say when",
      ],
    ],
    [
      `/** A. @example */
      export declare class A {
        private hidden
        protected known: 1
        #secret
        constructor(b: 1)
        c: 1
        /** D. */ d(e: 1): void
        get [Symbol.toStringTag](): string
      }`,
      [
        'A has no @example',
        'A.constructor has no docstring',
        'A.c has no docstring',
        'A.d has no @param e',
        'A.[Symbol.toStringTag] has no docstring',
      ],
    ],
    ['/** A. */\nexport interface A { b: 1; c(): void }', ['A.b has no docstring', 'A.c has no docstring']],
  ])('refuses %j', (declarations, faults) => {
    expect(faultsOf(declarations)).toEqual(faults)
  })

  test('follows exports through files, under other names and by star', () => {
    const tree = temporaryTree({
      'index.d.ts': `export { a as b } from './a.ts'\nexport * from './c.ts'\nexport type { E } from './e.js'`,
      'a.d.ts': `import { x } from './x.ts'\nexport { x as a }\ndeclare const unexported: 1`,
      'x.d.ts': 'export declare const x: 1',
      'c.d.ts': 'declare const c: 1\nexport { c }\nexport declare const d: 1',
      'e.d.ts': `export { E } from './f.ts'`,
      'f.d.ts': 'export interface E {}',
    })
    expect(docFaults(tree, ['index.d.ts'])).toEqual([
      'x.d.ts: b has no docstring',
      'c.d.ts: c has no docstring',
      'c.d.ts: d has no docstring',
      'f.d.ts: E has no docstring',
    ])
  })

  test('refuses an entry that is not there', () => {
    expect(() => docFaults(temporaryTree({}), ['index.d.ts'])).toThrow('has the package been built?')
  })
})

describe('docstringExamples()', () => {
  test('finds code with and without a title or a fence, in members too', () => {
    const tree = temporaryTree({
      'index.d.ts': `
        /**
         * A.
         * @example
         * one()
         *
         * two()
         * @example With a title
         * three()
         */
        export declare class A {
          /**
           * B.
           * @example
           * \`\`\`ts
           * four()
           * \`\`\`
           */
          b(): void
        }`,
    })
    const { examples, faults } = docstringExamples(tree, ['index.d.ts'])
    expect(examples.map(({ code }) => code)).toEqual(['one()\n\ntwo()', 'three()', 'four()'])
    expect(faults).toEqual([])
  })

  test('refuses an example without code', () => {
    const tree = temporaryTree({
      'index.d.ts': '/**\n * A.\n * @example one()\n */\nexport declare const a: 1',
    })
    expect(docstringExamples(tree, ['index.d.ts']).faults).toEqual(['index.d.ts a: @example has no code'])
  })
})

describe('fencedExamples()', () => {
  test('takes blocks of ts and leaves others', () => {
    const { examples, faults } = fencedExamples(
      'a.md',
      '```sh\nls\n```\n\n```ts\na()\nb()\n```\n```\nplain\n```',
    )
    expect(examples).toEqual([{ where: 'a.md:5', code: 'a()\nb()', isRun: true }])
    expect(faults).toEqual([])
  })

  test('lets a block with a reason not run', () => {
    const { examples, faults } = fencedExamples(
      'a.md',
      '<!-- needs a second machine -->\n```ts no-run\na()\n```',
    )
    expect(examples).toEqual([{ where: 'a.md:2', code: 'a()', isRun: false }])
    expect(faults).toEqual([])
  })

  test.each([
    ['text\n```ts no-run\na()\n```', 'a.md:2 no-run without a comment on the line before that says why'],
    ['<!-- -->\n```ts no-run\na()\n```', 'a.md:2 no-run without a comment on the line before that says why'],
    ['```ts norun\na()\n```', 'a.md:1 "norun" is not known; "no-run" is'],
    ['```ts\na()', 'a.md:1 a block is never closed'],
  ])('refuses %j', (markdown, fault) => {
    expect(fencedExamples('a.md', markdown).faults).toContain(fault)
  })
})

describe('ExampleFolder', () => {
  const packageFiles = {
    'package.json': '{ "name": "maltster", "type": "module", "exports": { ".": "./index.js" } }',
    'index.js': 'export const twice = (value) => 2 * value',
    'index.d.ts': 'export declare const twice: (value: number) => number',
  }
  const example = (code: string, isRun = true): Example => ({ where: 'a.md:1', code, isRun })

  test('takes an example that compiles and prints what it says', async () => {
    const folder = new ExampleFolder(temporaryTree(packageFiles))
    const examples = [
      example(`using end = { [Symbol.dispose]: () => console.log('end') }\nconsole.log(end) // …`),
      example(
        `import { twice } from 'maltster'\nconst x: number = await twice(2)\nconsole.log(x) // 4\nconsole.log('a b') // a…`,
      ),
    ]
    expect(await folder.typeFaults(examples)).toEqual([])
    expect(await folder.runFaults(examples)).toEqual([])
  })

  test('refuses one that does not compile, naming it and its line', async () => {
    const folder = new ExampleFolder(temporaryTree(packageFiles))
    const faults = await folder.typeFaults([
      example('1'),
      example(`import { twice } from 'maltster'\ntwice('2')`),
    ])
    expect(faults).toEqual([expect.stringMatching(/^a\.md:1 \(line 2\): error TS2345/)])
  })

  test.each([
    [`throw new Error('broken')`, 'broken'],
    ['process.exitCode = 3', 'exit code 3'],
    [`console.log(1) // 2`, `doesn't print "2"`],
    [`console.log(1) // 1\nconsole.log(2) // 1`, `doesn't print "1"`],
    [`import { thrice } from 'maltster'\nthrice()`, 'thrice'],
  ])('refuses to have run %j', async (code, fault) => {
    const folder = new ExampleFolder(temporaryTree(packageFiles))
    expect(await folder.runFaults([example(code)])).toEqual([expect.stringContaining(fault)])
  })

  test('does not run what is not to be run', async () => {
    const folder = new ExampleFolder(temporaryTree(packageFiles))
    expect(await folder.runFaults([example(`throw new Error('ran')`, false)])).toEqual([])
  })
})
