import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { readImportArrow } from '../../src/movement/import-arrow.ts'
import { make } from '../fixtures/movement/make.ts'

const here = pathToFileURL(import.meta.filename).href

test('reads module and file of a function of this file', () => {
  expect(readImportArrow(() => import('node:fs'))).toEqual({ specifier: 'node:fs', from: here })
  // oxlint-disable-next-line typescript/return-await -- written like this, it means the same
  const async = async () => await import('node:fs')
  expect(readImportArrow(async)).toEqual({ specifier: 'node:fs', from: here })
})

test('undoes the paths of Vite', () => {
  const helper = pathToFileURL(`${import.meta.dirname}/../support/processes.ts`).href
  expect(readImportArrow(() => import('../support/processes.ts'))).toEqual({ specifier: helper, from: here })
  const { specifier } = readImportArrow(() => import('acorn'))
  expect(specifier).toMatch(/^file:.*node_modules\/acorn\//)
})

/** What compilers make of `() => import('./tasks.js')`. */
const compiled = [
  "() => import('./tasks.js')",
  '() => import(`./tasks.js`)',
  "async () => await import('./tasks.js')",
  "function () { return import('./tasks.js') }",
  "() => { return import('./tasks.js'); }",
  // tsc and babel, to CommonJS
  "() => Promise.resolve().then(() => __importStar(require('./tasks.js')))",
  "() => Promise.resolve().then(() => tslib_1.__importStar(require('./tasks.js')))",
  "() => Promise.resolve().then(function () { return _interopRequireWildcard(require('./tasks.js')); })",
  // swc, to CommonJS
  '() => Promise.resolve().then(() => /*#__PURE__*/ _interop_require_wildcard(require("./tasks.js")))',
  // esbuild, to CommonJS
  '() => Promise.resolve().then(() => __toESM(require("./tasks.js")))',
  // tsx
  '()=>import("./tasks.js").then(t=>{const e="default";return t[e]&&typeof t[e]=="object"&&"__esModule"in t[e]?t[e]:t})',
  // istanbul
  "() => { cov_1().f[0]++; cov_1().s[0]++; return import('./tasks.js'); }",
  "() => (cov_1().s[0]++, import('./tasks.js'))",
]

test.each(compiled)('knows %s', (text) => {
  // Code that was made has no file, which is the next thing to be asked for.
  expect(() => readImportArrow(make(text))).toThrow(/it stands in no file/)
})

const other = [
  "(name) => import('./tasks.js')",
  '() => import(name)',
  '() => import(`./${name}.js`)',
  "() => import('./tasks.js', { with: { type: 'json' } })",
  "() => import('./tasks.js').then((tasks) => tasks.default)",
  "() => { prepare(); return import('./tasks.js') }",
  '() => Promise.resolve().then(() => (init_tasks(), tasks_exports))',
  "() => Promise.resolve().then(() => load('./tasks.js'))",
  "() => other.then(() => require('./tasks.js'))",
  "function* () { return import('./tasks.js') }",
  '() => {}',
  'class {}',
]

test.each(other)('refuses %s, and says what to write', (text) => {
  expect(() => readImportArrow(make(text))).toThrow(
    /^Expected the function to be no more than .* Write `load\('\.\/tasks\.js', \{ from: import\.meta\.url \}\)`\.$/s,
  )
})
