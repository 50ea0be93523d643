import vm from 'node:vm'

const { Script } = vm

/**
 * What compiled sources refer to besides the user's names: constants of the global lexical scope, so that they are
 * no properties of the global object and can't be overwritten. Their names are unlikely to be anybody else's.
 */
export const hiddenNames = { holder: 'ꙮholder', value: 'ꙫ', scope: 'ꙮscope' } as const

interface ScopeHolder {
  current: object | undefined
}

/** Several sessions, even of several copies of this module, may share a realm: whoever is first makes it. */
function holderOfRealm(): ScopeHolder {
  const { holder } = hiddenNames
  const isThere = new Script(`typeof ${holder}==='object'`).runInThisContext() as boolean
  if (!isThere) new Script(`const ${holder}={current:undefined}`).runInThisContext()
  return new Script(holder).runInThisContext() as ScopeHolder
}

let scopeHolder: ScopeHolder | undefined

/** The names of `scope` are what the next scripts that ask for it see. */
export function holdScope(scope: object): void {
  scopeHolder ??= holderOfRealm()
  scopeHolder.current = scope
}

const known = new Set<string>()

/**
 * The name of a real constant as long as `name`: put in its place as the target of an assignment, it makes V8 throw
 * what it throws for any constant, at the same column. `isTruthy` decides what `&&=` and `||=` do.
 */
export function constantAsLongAs(name: string, isTruthy: boolean): string {
  const stand = 'ꙮ'.repeat(name.length - 1) + (isTruthy ? 'ꙭ' : 'ꙮ')
  if (known.has(stand)) return stand
  const isThere = new Script(`try{${stand};true}catch{false}`).runInThisContext() as boolean
  if (!isThere) new Script(`const ${stand}=${isTruthy ? 'true' : 'undefined'}`).runInThisContext()
  known.add(stand)
  return stand
}
