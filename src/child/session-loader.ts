import { createRequire } from 'node:module'
import vm from 'node:vm'

import type { Session } from '../movement/session/session.ts'
import { ownGlobals } from './own-globals.ts'
import { sessionSource } from './session-source.ts'

type SessionModule = typeof import('../movement/session/session.ts')

/** Compiles the session's own code and makes the session of this process: its default scope are the globals. */
export function loadSession(): Session {
  // Under the name of this file its frames count as the runtime's.
  const parameters = ['exports', 'require', 'module', '__filename', ...Object.keys(ownGlobals)]
  const script = new vm.Script(`(function(${parameters.join(',')}){${sessionSource}\n})`, {
    filename: __filename,
  })
  const load = script.runInThisContext() as (...parts: unknown[]) => void
  const module = { exports: {} }
  load(module.exports, createRequire(__filename), module, __filename, ...Object.values(ownGlobals))
  const { Session } = module.exports as SessionModule
  return new Session({ defaultScope: 'global' })
}
