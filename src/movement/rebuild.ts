import vm from 'node:vm'
import type { ModuleDefinition, SourceDefinition, SourcePart } from './definition.ts'
import { mainLoader, silenceImportWarning } from './dynamic-import.ts'
import { loadExport } from './module-exports.ts'

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
