/**
 * Helpers that a compiler writes into functions, by name, and what stands in for them in the worker. Without
 * them every function that went through such a compiler would be refused for a name its author never wrote.
 *
 * `__name`: esbuild and tsx with `keepNames`; gives a function the name that it has in the source.
 * `__vite_ssr_dynamic_import__`: what Vite and vitest make of `import()`.
 */
export const compilerHelpers: ReadonlyMap<string, string> = new Map([
  ['__name', '(target, value) => Object.defineProperty(target, "name", { value, configurable: true })'],
  ['__vite_ssr_dynamic_import__', '(specifier, options) => import(specifier, options)'],
])

/**
 * What stands in for Vite's `import()` where the module is known. Vite writes paths from its root, which is where it was
 * started from, as if they were from that of the file system.
 */
export const viteDynamicImport = (root: string): string =>
  '(specifier, options) => import(/^\\//.test(specifier) && !process.getBuiltinModule("node:fs").existsSync(specifier)' +
  ` ? ${JSON.stringify(root)} + specifier : specifier, options)`

/** What Vite makes of `import.meta`. */
export const viteMeta = '__vite_ssr_import_meta__'

/** Whether a name stands for something of the module itself, though it looks like a variable. */
export const isOfModule = (name: string): boolean =>
  name === viteMeta || name === '__vite_ssr_dynamic_import__'

const advice: readonly (readonly [RegExp, (name: string) => string])[] = [
  [
    /^(require|module|exports|__filename|__dirname)$/,
    () =>
      "It belongs to a CommonJS module, and the function leaves its module: use `await import('node:fs')` " +
      'inside the function, and pass paths as arguments',
  ],
  [
    /^__vi(te_ssr)?_import_\d+__$/,
    () =>
      'It is an import of the module, as Vite rewrote it: use `await import(…)` inside the function, or name ' +
      'the function by `{ module, export }`',
  ],
  [
    /^__vite_ssr_import_meta__$/,
    () => 'It is `import.meta`, as Vite rewrote it: pass what you need as an argument',
  ],
  [
    /^(__[a-zA-Z]|cov_|_interop)/,
    (name) =>
      `It looks like a helper that a compiler added: compile for a newer target (ES2022), or pass it by ` +
      `\`captures: { ${name} }\``,
  ],
]

/** What to do about a free name that has a meaning of its own; undefined for an ordinary one. */
export function adviceFor(name: string): string | undefined {
  return advice.find(([pattern]) => pattern.test(name))?.[1](name)
}
