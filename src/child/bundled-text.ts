import vm from 'node:vm'

import { ownGlobals } from './own-globals.ts'

// Taken before user code can replace it.
const { getBuiltinModule } = process

/**
 * Compiles a part of the child that lies in its file as text, so that workers which never need it don't pay for it, and
 * answers what it exports. Such a part imports modules of Node.js only.
 * @param label - its file in stacks. Not that of the runtime: a parser may be cut off, however long the source
 */
export function loadBundledText<T>(source: () => string, label: string): T {
  const parameters = ['exports', 'require', 'module', '__filename', ...Object.keys(ownGlobals)]
  const script = new vm.Script(`(function(${parameters.join(',')}){${source()}\n})`, { filename: label })
  const load = script.runInThisContext() as (...parts: unknown[]) => void
  const module = { exports: {} }
  load(module.exports, getBuiltinModule, module, __filename, ...Object.values(ownGlobals))
  return module.exports as T
}
