import { isKnownGlobal, isLaterGlobal } from '../known-globals.ts'
import { compilerHelpers, viteMeta } from '../compiler-shims.ts'
import type { FreeName } from '../free-names.ts'
import type { Captures } from '../collect.ts'
import { expression, type FunctionSource } from '../function-source.ts'
import type { SourcePlace } from '../definition.ts'
import { RecentMap } from '../recent-map.ts'
import { type ImportReference, importReference } from './import-reference.ts'
import { moduleUrl } from './module-url.ts'
import { baseName, withBaseName } from './base-name.ts'
import { homeOf, type VariableHome } from './variable-home.ts'
import { importOrigin } from './import-origin.ts'
import type { Internals, LiveScope } from './inspector.ts'
import { type LiveModule, moduleOf, startOf } from './live-module.ts'
import type { ModuleFacts, Variable } from './module-facts.ts'
import { rewriteNames } from './rewrite.ts'

/** What a free name of a function stands for. */
export interface LiveName {
  readonly name: string
  /**
   * `binding`: a variable of the module; `captured`: one of the functions and blocks in between; `import`: the worker
   * imports it by itself.
   */
  readonly from: 'binding' | 'captured' | 'import'
  readonly variable: Variable | undefined
  readonly reference: ImportReference | undefined
  /** Where the variable is, if it is one of the module that exports it. */
  readonly home: VariableHome | undefined
  /** Assigned to by this very function. */
  readonly isWritten: boolean
  readonly isTypeofOnly: boolean
  /** For a class: needed while it is defined. */
  readonly isEager: boolean
  /** Somebody assigns to it, so that those who share it have to see that. */
  readonly isShared: boolean
}

/** The code of a function, apart from the values it refers to; the same for all closures of one place. */
export interface LiveCode {
  /** Never used twice in this process. */
  readonly id: number
  readonly read: FunctionSource
  /** Place of the module as V8 has it; what its bindings are told apart by. */
  readonly module: string
  /** The number of its script: in a worker many functions of one module are scripts of their own. */
  readonly script: string
  /** Its line and column in that, from 1; undefined if that is not known. */
  readonly place: SourcePlace | undefined
  readonly names: readonly LiveName[]
  /** Names that nothing supplies. */
  readonly missing: readonly FreeName[]
  readonly isClass: boolean
  /** An expression, with cells in place of shared names. */
  readonly source: string
}

const codes = new RecentMap<string, LiveCode>(4096)
let lastId = 0

/**
 * The code of a live function: where it stands, and what its names are there.
 * @param given - what wins over what is found
 */
export function liveCode(read: FunctionSource, internals: Internals, given: Captures = {}): LiveCode {
  const { place } = internals
  const where = place === undefined ? 'nowhere' : `${place.scriptId}:${place.line}:${place.column}`
  const names = read.analysis.freeNames.filter(({ name }) => Object.hasOwn(given, name))
  const key = `${where}:${read.id}:${names.map(({ name }) => name).join()}`
  const known = codes.get(key)
  if (known !== undefined) return known
  const code = readCode(read, internals, given)
  codes.set(key, code)
  return code
}

/** The scope that has a name, of those around a function. */
export const scopeOf = (name: string, scopes: readonly LiveScope[]): LiveScope | undefined =>
  scopes.find(({ values }) => Object.hasOwn(values, name))

function readCode(read: FunctionSource, { place, scopes }: Internals, given: Captures): LiveCode {
  const hasBase = read.analysis.heritageSpan !== undefined && scopeOf(baseName, scopes) !== undefined
  const { text, analysis } = hasBase ? withBaseName(read) : read
  const { freeNames, hasImportMeta } = analysis
  const module = place === undefined || isMadeOfText(read) ? undefined : moduleOf(place.scriptId)
  const start = place === undefined || module === undefined ? -1 : startOf(read.text, module, place)
  const names: LiveName[] = []
  const missing: FreeName[] = []
  for (const free of freeNames) {
    if (Object.hasOwn(given, free.name)) {
      const { name, isWritten, isTypeofOnly, isEager } = free
      const base = { name, isWritten, isTypeofOnly, isEager, isShared: false }
      names.push({ ...base, from: 'captured', variable: undefined, reference: undefined, home: undefined })
      continue
    }
    // A helper of a compiler is made over there: cheaper than to send it, and what it does there is what is meant.
    if (compilerHelpers.has(free.name) || free.name === viteMeta) continue
    const scope = scopeOf(free.name, scopes)
    const found = scope && liveName(free, scope, module, start)
    if (found !== undefined && !isMistaken(found, scope!)) names.push(found)
    else if (!isHarmless(free)) missing.push(free)
  }
  const cells = names.filter(({ from, isShared }) => from === 'binding' || (from === 'captured' && isShared))
  const rewritten =
    cells.length > 0 || hasImportMeta
      ? rewriteNames(text, analysis.isStrict, {
          cells: new Set(cells.map(({ name }) => name)),
          constants: new Set(cells.filter(({ variable }) => isConstant(variable)).map(({ name }) => name)),
        })
      : text
  return {
    id: ++lastId,
    read,
    module: module?.id ?? '',
    script: place?.scriptId ?? '',
    place: module?.placeAt(start),
    names,
    missing,
    isClass: read.analysis.kind === 'class',
    source: expression(rewritten, read.name, analysis),
  }
}

/** Made by `new Function`: it has no file, and nothing around it, and nobody else is from its script. */
const isMadeOfText = ({ text }: FunctionSource): boolean => /^(?:async )?function\*? anonymous\(/.test(text)

/** Where a function is written; undefined if that can't be found out. */
export function placeOfFunction(read: FunctionSource, { place }: Internals): SourcePlace | undefined {
  const module = place === undefined || isMadeOfText(read) ? undefined : moduleOf(place.scriptId)
  return module?.placeAt(startOf(read.text, module, place!))
}

const isModuleScope = ({ kind }: LiveScope): boolean => kind === 'Module' || kind === 'Script'

/** V8 need not keep what is evaluated outside of any function, as the key of a method is: this is another of that name. */
const isMistaken = ({ isEager, variable }: LiveName, scope: LiveScope): boolean =>
  isEager && variable?.isTopLevel === false && isModuleScope(scope)

const isHarmless = ({ name, isTypeofOnly }: FreeName): boolean =>
  isTypeofOnly || name === 'eval' || isKnownGlobal(name) || isLaterGlobal(name)

function liveName(free: FreeName, scope: LiveScope, module: LiveModule | undefined, start: number): LiveName {
  const { name, isWritten, isTypeofOnly, isEager } = free
  const variable = start < 0 ? undefined : module?.facts?.lookUp(name, start)
  const base = { name, variable, isWritten, isTypeofOnly, isEager, home: undefined }
  const reference = referenceOf(name, variable, module?.id ?? '', module?.facts)
  if (reference !== undefined) return { ...base, from: 'import', reference, isShared: false }
  const isTopLevel = variable === undefined ? isModuleScope(scope) : variable.isTopLevel
  const isShared = isWritten || mayChange(variable, scope)
  const home = isTopLevel && variable !== undefined ? homeOf(name, variable, module?.id ?? '') : undefined
  return { ...base, from: isTopLevel ? 'binding' : 'captured', reference: undefined, home, isShared }
}

/** What one script declares by `let`, all others may assign to. */
const mayChange = (variable: Variable | undefined, { kind }: LiveScope): boolean =>
  variable !== undefined &&
  (!variable.isNeverReassigned || variable.isInReach || (kind === 'Script' && !isConstant(variable)))

/** Nobody may assign to what is imported either. */
const isConstant = (variable: Variable | undefined): boolean =>
  variable?.kind === 'const' || variable?.kind === 'import'

function referenceOf(
  name: string,
  variable: Variable | undefined,
  module: string,
  facts: ModuleFacts | undefined,
): ImportReference | undefined {
  if (variable === undefined) {
    const from = name === 'require' ? moduleUrl(module) : undefined
    return from === undefined ? undefined : { specifier: '', name, isRequire: true, from }
  }
  const origin = importOrigin(name, variable)
  if (origin === undefined) return undefined
  const isNamespace = facts?.namespaces.has(name) === true
  if (!variable.isNeverReassigned && !isNamespace) return undefined
  return importReference(isNamespace ? { ...origin, isRequire: false } : origin, module)
}
