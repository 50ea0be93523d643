import type { ModulePlace, SourcePlace } from '../definition.ts'
import { compilerHelpers, viteDynamicImport, viteMeta } from '../compiler-shims.ts'
import type { ImportReference } from '../live/import-reference.ts'
import { lateLoaders } from '../live/late-imports.ts'
import { moduleUrl } from '../live/module-url.ts'
import { metaName } from '../live/meta-name.ts'
import type { LiveCode } from '../live/live-code.ts'
import { variableId } from './binding-ids.ts'

/** The code of a function, as a worker is sent it. Plain data. */
export interface CodeDefinition {
  readonly name: string
  /** An expression in which the names of `cells`, and those of shared captured variables, are looked up in cells. */
  readonly source: string
  readonly isStrict: boolean
  readonly isClass: boolean
  readonly place: SourcePlace | undefined
  /** `import.meta.url`; undefined if it is not asked for. */
  readonly metaUrl: string | undefined
  /** Variables of the module, each with the number of its binding. */
  readonly cells: readonly (readonly [name: string, id: number])[]
  /** Captured variables, in the order in which a function's row has them, and whether each is a cell. */
  readonly captured: readonly (readonly [name: string, isCell: boolean])[]
  readonly imports: readonly (readonly [name: string, reference: ImportReference])[]
  /** What has to be loaded first, since it imports TypeScript when it runs. */
  readonly loaders?: readonly ModulePlace[]
  /** Helpers of compilers, as expressions. */
  readonly shims: readonly (readonly [name: string, source: string])[]
}

function shimOf(name: string): string | undefined {
  if (name === viteMeta) return metaName
  if (name === '__vite_ssr_dynamic_import__') return viteDynamicImport(process.cwd())
  return compilerHelpers.get(name)
}

/** What a worker has to know of a code. */
export function codeDefinition(code: LiveCode): CodeDefinition {
  const { read, names, module, source, isClass, place } = code
  const own = (from: string) => names.filter((name) => name.from === from)
  const known = new Set(names.map(({ name }) => name))
  const shims = read.analysis.freeNames.flatMap(({ name }) => {
    const shim = known.has(name) ? undefined : shimOf(name)
    return shim === undefined ? [] : [[name, shim] as const]
  })
  const loaders = lateLoaders(read.analysis, module)
  const usesMeta = read.analysis.hasImportMeta || shims.some(([name]) => name === viteMeta)
  return {
    name: read.name,
    source,
    isStrict: read.analysis.isStrict,
    isClass,
    place,
    metaUrl: usesMeta ? (moduleUrl(module) ?? module) : undefined,
    cells: own('binding').map((name) => [name.name, variableId(code, name)]),
    captured: own('captured').map(({ name, isShared }) => [name, isShared]),
    imports: own('import').map(({ name, reference }) => [name, reference!]),
    shims,
    ...(loaders.length === 0 ? {} : { loaders }),
  }
}
