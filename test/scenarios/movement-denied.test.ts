import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'

useLeakCheck('file')

/** How a variable `apiKey` of another module may be spelled: statements that import it, and what a function refers to. */
const spellings: Readonly<Record<string, readonly [statement: string, use: string]>> = {
  'by its name': [`import { apiKey } from './state.E'`, 'apiKey'],
  'renamed where it is imported': [`import { apiKey as key } from './state.E'`, 'key'],
  'renamed where it is exported': [`import { renamed } from './state.E'`, 'renamed'],
  'renamed by a string': [`import { 'odd name' as odd } from './state.E'`, 'odd'],
  'of a namespace': [`import * as state from './state.E'`, 'state.apiKey'],
  'renamed, of a namespace': [`import * as state2 from './state.E'`, 'state2.renamed'],
  'optional, of a namespace': [`import * as state3 from './state.E'`, 'state3?.apiKey'],
  'as the default': [`import byDefault from './state.E'`, 'byDefault'],
  'as the default, by that name': [`import { default as byDefault2 } from './state.E'`, 'byDefault2'],
  'as the default, of a namespace': [`import * as state4 from './state.E'`, 'state4.default'],
  'of an export list with a default': [`import listed from './listed.E'`, 'listed'],
  'of another module that exports it on': [`import { b } from './again.E'`, 'b'],
  'of another module that exports all': [`import { apiKey as starred } from './again.E'`, 'starred'],
  'renamed, of another module that exports all': [
    `import { renamed as starred2 } from './again.E'`,
    'starred2',
  ],
  'imported and exported on': [`import { twice } from './again.E'`, 'twice'],
  'over three modules': [`import { c } from './deep.E'`, 'c'],
  'over three modules, as it is': [`import { twice as thrice } from './deep.E'`, 'thrice'],
  'of a namespace of what is exported on': [`import * as again from './again.E'`, 'again.b'],
  'of a namespace that is exported': [`import { whole } from './again.E'`, 'whole.apiKey'],
  'of a namespace that is imported and exported': [`import { space } from './again.E'`, 'space.apiKey'],
  'of an awaited import': [`const { apiKey: awaited } = await import('./state.E')`, 'awaited'],
  'renamed, of an awaited import': [`const { renamed: awaited2 } = await import('./state.E')`, 'awaited2'],
  'of an awaited namespace': [`const state5 = await import('./state.E')`, 'state5.apiKey'],
  'a property of an awaited import': [`const property = (await import('./state.E')).apiKey`, 'property'],
  'with a query': [`import { apiKey as asked } from './state.E?v=1'`, 'asked'],
  'renamed, with a query': [`import { renamed as asked2 } from './state.E?v=1'`, 'asked2'],
  'renamed, of a namespace with a query': [`import * as state6 from './state.E?v=1'`, 'state6.renamed'],
}

/** A program whose modules import it can't wait for them while it is evaluated. */
const withoutAwait = Object.fromEntries(
  Object.entries(spellings).filter(([, [statement]]) => !statement.includes('await')),
)

const modules: Readonly<Record<string, string>> = {
  state: `ENTRY
export let apiKey = 's-123'
export { apiKey as renamed, apiKey as 'odd name' }
export let harmless = 1
export default apiKey`,
  listed: `ENTRY
let apiKey = 's-123'
export { apiKey as default }`,
  again: `import { apiKey as inner } from './state.E'
import * as space from './state.E'
export { apiKey as b } from './state.E'
export * from './state.E'
export * as whole from './state.E'
export { inner as twice, space }`,
  deep: `export * from './again.E'
export { b as c } from './again.E'`,
}

const required: typeof spellings = {
  'by its name': [`const { apiKey } = require('./state.cjs')`, 'apiKey'],
  renamed: [`const { apiKey: key } = require('./state.cjs')`, 'key'],
  'of the whole': [`const state = require('./state.cjs')`, 'state.apiKey'],
  'as a property': [`const property = require('./state.cjs').apiKey`, 'property'],
}

const program = (imports: string, cases: typeof spellings): string => `${imports}
async function report(functions) {
  const worker = await spawnWorker({ stdout: 'ignore', stderr: 'ignore' })
  const answers = {}
  for (const [name, fn] of Object.entries(functions)) {
    const policy = { capture: { deny: ['apiKey'] } }
    const first = await worker.call(fn).catch((error) => 'not found: ' + error.message)
    const denied = await worker.call(fn, [], policy).then((value) => 'sent: ' + value, (error) => error.why)
    answers[name] = [first, denied]
  }
  await worker.stop()
  console.log(JSON.stringify(answers))
}
${Object.values(cases)
  .map(([statement]) => statement)
  .join('\n')}
void report({ ${Object.entries(cases)
  .map(([name, [, use]]) => `'${name}': () => ${use}`)
  .join(', ')} })`

function answersOf(
  files: Readonly<Record<string, string>>,
  entry: string,
  flags: readonly string[],
): unknown {
  const folder = mkdtempSync(join(tmpdir(), 'maltster-denied-'))
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
    const options = { encoding: 'utf8', timeout: 60_000 } as const
    const { stdout, stderr } = spawnSync(process.execPath, [...flags, join(folder, entry)], options)
    const line = stdout.trim().split('\n').at(-1) ?? ''
    if (!line.startsWith('{')) throw new Error(`no answers: ${stdout}${stderr}`)
    return JSON.parse(line)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Each is sent as long as nothing denies it, and refused by its name then. */
const refusedEach = (cases: typeof spellings): object =>
  Object.fromEntries(
    Object.keys(cases).map((name) => [
      name,
      ['s-123', expect.stringContaining('denies `apiKey`') as unknown],
    ]),
  )

describe('a denied variable of another module that goes by value is refused however it is spelled', () => {
  const url = import.meta.resolve('maltster')
  const imports = `import { spawnWorker } from '${url}'`

  test.each([
    // Modules that import the program itself go by value, since to import them would run it again.
    ['mjs', 'mjs', `import './main.mjs'`, [], withoutAwait],
    ['ts', 'ts', '', ['--import', import.meta.resolve('tsx')], spellings],
    ['ts, imported as js', 'js', '', ['--import', import.meta.resolve('tsx')], spellings],
  ] as const)('%s', (_what, spelled, entry, flags, cases) => {
    const ending = spelled === 'js' ? 'ts' : spelled
    const written = (text: string): string => text.replaceAll('.E', `.${spelled}`).replace('ENTRY', entry)
    const files = Object.entries({ ...modules, main: program(imports, cases) })
    const texts = files.map(([name, text]) => [`${name}.${ending}`, written(text)] as const)
    const withType = { ...Object.fromEntries(texts), 'package.json': '{ "type": "module" }' }
    expect(answersOf(withType, `main.${ending}`, flags)).toEqual(refusedEach(cases))
  })

  test('CommonJS', () => {
    const files = {
      'state.cjs': `require('./main.cjs'); exports.apiKey = 's-123'`,
      'main.cjs': program('', required).replace(
        'const worker',
        `const { spawnWorker } = await import('${url}')\n  const worker`,
      ),
    }
    expect(answersOf(files, 'main.cjs', [])).toEqual(refusedEach(required))
  })
})
