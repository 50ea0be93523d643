import vm from 'node:vm'

/** `import()` of another file: the options hold import attributes. */
export type Import = (specifier: string, options?: ImportCallOptions) => Promise<Record<string, unknown>>

/** Node.js's own loader serves `import()` in scripts compiled with this. */
export const mainLoader = vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER

let isWarningSilenced = false

/**
 * Node.js warns once per process, at the first `import()` in a compiled script, that the loader for it is
 * experimental. That is our choice and none of the user's business: have it said once while nobody listens. The
 * warning is raised before `import()` returns.
 */
export function silenceImportWarning(): void {
  if (isWarningSilenced) return
  isWarningSilenced = true
  const importLater = compileImport()
  const original = Object.getOwnPropertyDescriptor(process, 'emitWarning')
  process.emitWarning = () => {}
  try {
    void importLater('node:vm')
  } finally {
    if (original !== undefined) Object.defineProperty(process, 'emitWarning', original)
  }
}

let importFromHere: Import | undefined

/** `import()` that resolves from the current directory, wherever this file is. */
export function compileImport(): Import {
  importFromHere ??= compileImportOf('[maltster:import]')
  return importFromHere
}

/** `import()` that resolves from `filename`, an absolute path or URL; from the current directory if it is neither. */
export function compileImportOf(filename: string): Import {
  return new vm.Script('(specifier,options)=>options?import(specifier,options):import(specifier)', {
    filename,
    importModuleDynamically: mainLoader,
  }).runInThisContext() as Import
}
