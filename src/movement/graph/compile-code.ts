import vm from 'node:vm'
import { mainLoader, silenceImportWarning } from '../dynamic-import.ts'
import { metaName } from '../live/meta-name.ts'
import { labelOf } from '../rebuild.ts'
import type { Cell } from './cell.ts'
import type { CodeDefinition } from './code-definition.ts'

/** One function made of a code: how to make it, and how to give a local variable its value. */
export interface Made {
  readonly make: () => object
  readonly set: Readonly<Record<string, (value: unknown) => void>>
}

/** Makes functions of a code; `cells` by name. */
export type CodeFactory = (cells: ReadonlyMap<string, Cell>) => Made

const { Script } = vm
const { fromEntries } = Object
const valueName = 'ꙫ'

/** @throws {SyntaxError} if this process does not know the syntax */
export function compileCode(definition: CodeDefinition): CodeFactory {
  const { name, source, isStrict, place, metaUrl, captured } = definition
  const cells = [...definition.cells, ...captured.filter(([, isCell]) => isCell)].map(([cell]) => cell)
  const locals = [
    ...captured.filter(([, isCell]) => !isCell).map(([local]) => local),
    ...definition.imports.map(([local]) => local),
  ]
  const shims = definition.shims.map(([shim, text]) => `${shim}=${text}`)
  const variables = [...locals, ...shims]
  const key = JSON.stringify(name)
  const head =
    `(function(${[metaName, ...cells].join(',')}){${isStrict ? '"use strict";' : ''}` +
    `${variables.length > 0 ? `var ${variables.join(',')};` : ''}return[()=>` +
    (name === '' ? '(' : `({[${key}]:(`)
  const setters = locals.map((local) => `${valueName}=>{${local}=${valueName}}`)
  const tail = `${name === '' ? '\n)' : `\n)})[${key}]`},[${setters.join(',')}]]})`
  if (source.includes('import')) silenceImportWarning()
  const script = new Script(head + source + tail, {
    filename: place?.file ?? labelOf(name),
    lineOffset: (place?.line ?? 1) - 1,
    columnOffset: (place?.column ?? 1) - 1 - head.length,
    importModuleDynamically: mainLoader,
  })
  const factory = script.runInThisContext() as (
    ...parts: unknown[]
  ) => [() => object, ((v: unknown) => void)[]]
  const meta = metaUrl === undefined ? undefined : metaOf(metaUrl)
  return (given) => {
    const [make, set] = factory(meta, ...cells.map((cell) => given.get(cell)))
    return { make, set: fromEntries(locals.map((local, index) => [local, set[index]!])) }
  }
}

/** `import.meta` as the module has it. */
function metaOf(url: string): object {
  if (!url.startsWith('file:')) return { url }
  const { createRequire } = process.getBuiltinModule('node:module')
  const { fileURLToPath, pathToFileURL } = process.getBuiltinModule('node:url')
  const { dirname } = process.getBuiltinModule('node:path')
  const filename = fileURLToPath(url)
  const resolve = (specifier: string): string => {
    if (/^\.{0,2}\//.test(specifier)) return new URL(specifier, url).href
    const found = createRequire(url).resolve(specifier)
    return found.startsWith('/') ? pathToFileURL(found).href : found
  }
  return { url, filename, dirname: dirname(filename), resolve }
}
