import vm from 'node:vm'
import type { ModuleDefinition, SourceDefinition, SourcePart } from './definition.ts'
import { compileImport, mainLoader, silenceImportWarning } from './dynamic-import.ts'

/** Makes the function of a definition; the values are those of its `captureNames`, in order. */
export type FunctionFactory = (captureValues: readonly unknown[]) => RebuiltFunction

// What it takes and gives is up to the user.
// oxlint-disable-next-line typescript/no-explicit-any
export type RebuiltFunction = (...args: any[]) => unknown

/**
 * Makes the factory for a definition. Never throws: what fails, text that this process can't compile or a module
 * that does not load, is a rejected promise, so that it fails the calls and not the worker.
 */
export function rebuild(
  definition: SourceDefinition | ModuleDefinition,
): FunctionFactory | Promise<FunctionFactory> {
  if (definition.kind === 'module') return loadExport(definition).then((loaded) => () => loaded)
  try {
    return rebuildFunction(definition)
  } catch (error) {
    return Promise.reject(error instanceof Error ? error : new Error(String(error)))
  }
}

/**
 * Compiles a function that was sent by source. All parts stand in one factory, whose parameters are the captured
 * values and whose variables are the helpers, so that they see each other and every made function has variables
 * of its own.
 *
 * Stacks show the file and line where the function is written, where that is known; else line 1 is the first of its
 * text, and the file is shown as `[maltster:NAME]`: not a path or URL, so that Node.js resolves `import()` from the
 * current directory. Helpers follow below it.
 * @throws {SyntaxError} if this process does not know the syntax
 */
export function rebuildFunction(definition: SourceDefinition): FunctionFactory {
  const { captureNames, helpers } = definition
  const parts = [definition, ...helpers]
  const isStrict = parts.every((part) => part.isStrict)
  const directive = isStrict ? '"use strict";' : ''
  const variables = parts.flatMap((part) => part.bindings)
  const declarations = variables.length > 0 ? `var ${variables.join(',')};` : ''
  const [main, ...others] = parts.map((part) => assignment(part, !isStrict && part.isStrict))
  const head = `(function(${captureNames.join(',')}){${directive}${declarations}return[`
  const text = `${head}${[main?.text, ...others.map((other) => other.text)].join(',')}][0]})`
  const make = compile(text, definition, head.length + (main?.shift ?? 0)) as RebuiltFunction
  return (captureValues) => make(...captureValues) as RebuiltFunction
}

/** `a=b=({["name"]:(SOURCE)})["name"]`: bound, and named even if the text does not say how. */
function assignment(part: SourcePart, needsDirective: boolean): { text: string; shift: number } {
  const key = JSON.stringify(part.name)
  const before =
    part.bindings.map((binding) => `${binding}=`).join('') +
    (needsDirective ? '(()=>{"use strict";return' : '') +
    (part.name === '' ? '(' : `({[${key}]:(`)
  const after = (part.name === '' ? '\n)' : `\n)})[${key}]`) + (needsDirective ? '})()' : '')
  return { text: before + part.source + after, shift: before.length }
}

function compile(text: string, { name, place }: SourceDefinition, shift: number): unknown {
  if (text.includes('import')) silenceImportWarning()
  const script = new vm.Script(text, {
    filename: place?.file ?? labelOf(name),
    lineOffset: (place?.line ?? 1) - 1,
    columnOffset: (place?.column ?? 1) - 1 - shift,
    importModuleDynamically: mainLoader,
  })
  return script.runInThisContext()
}

const longestLabel = 80

/** A name as the file name in stacks: no line ends or brackets, and not too long. */
export const labelOf = (name: string): string =>
  `[maltster:${
    name
      .replace(/[\s[\]()]+/g, ' ')
      .trim()
      .slice(0, longestLabel) || 'anonymous'
  }]`

/** Imports a module, from the current directory if it is a package. Rejects with what the import throws. */
export async function importModule(module: string): Promise<Record<string, unknown>> {
  silenceImportWarning()
  return compileImport()(module)
}

/**
 * Imports the module of a reference and gives its export.
 *
 * Rejects with an Error if the module does not load (`cause` and `code` are those of the import), and with a
 * TypeError if it has no such export, or if that is not a function that can be called.
 */
export async function loadExport({ module, export: name }: ModuleDefinition): Promise<RebuiltFunction> {
  const namespace = await importModule(module).catch((cause: unknown) => {
    throw notLoaded(module, name, cause)
  })
  const holder = holderOf(name, namespace)
  if (holder === undefined) throw new TypeError(noExport(module, name, Object.keys(namespace)))
  const value = holder[name]
  if (typeof value !== 'function') {
    throw new TypeError(`Export \`${name}\` of ${module} is not a function, but ${kindOf(value)}.`)
  }
  if (/^class\b/.test(Function.prototype.toString.call(value))) {
    throw new TypeError(
      `Export \`${name}\` of ${module} is a class, which can't be called: export a function.`,
    )
  }
  return value as RebuiltFunction
}

/**
 * The object that has the export: the namespace, or for CommonJS the value of `module.exports`, since Node.js finds
 * its names by reading the text and misses many.
 */
function holderOf(name: string, namespace: Record<string, unknown>): Record<string, unknown> | undefined {
  if (Object.hasOwn(namespace, name)) return namespace
  const exported = namespace['default']
  const canHold = typeof exported === 'function' || (typeof exported === 'object' && exported !== null)
  return canHold && Object.hasOwn(exported, name) ? (exported as Record<string, unknown>) : undefined
}

function notLoaded(module: string, name: string, cause: unknown): Error {
  const why = cause instanceof Error ? cause.message : String(cause)
  const isBare = !/^[a-z]+:/.test(module)
  const from = isBare ? ` Packages are looked for from ${process.cwd()}.` : ''
  const error = new Error(`Could not import ${module}, for its export \`${name}\`: ${why}${from}`, { cause })
  const code = (cause as { code?: unknown } | null)?.code
  return typeof code === 'string' ? Object.assign(error, { code }) : error
}

function noExport(module: string, name: string, names: readonly string[]): string {
  const has =
    names.length === 0 ? 'It has none.' : `It has ${names.map((known) => `\`${known}\``).join(', ')}.`
  return `${module} has no export \`${name}\`. ${has}`
}

const kindOf = (value: unknown): string => (value === null ? 'null' : `of type ${typeof value}`)
