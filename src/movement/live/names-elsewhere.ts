import { type AnyNode, type Program } from 'acorn'
import { deniesNames, isDenied, type PolicyInForce } from '../capture-policy.ts'
import { RecentMap } from '../recent-map.ts'
import { declaredIn, initOf } from './declarations.ts'
import { type ImportOrigin, importOrigin } from './import-origin.ts'
import { moduleUrl } from './module-url.ts'
import type { LiveCode, LiveName } from './live-code.ts'
import { parseModule } from './module-facts.ts'
import { scriptWhere } from './scripts.ts'

/** The members of a namespace that the text of a function uses. */
export function membersIn(text: string, namespace: string): string[] {
  const name = namespace.replaceAll('$', '\\$')
  const pattern = new RegExp(`(?<![\\w$.])${name}\\s*\\??\\.\\s*([\\w$]+)`, 'g')
  return [...text.matchAll(pattern)].map(([, member]) => member!)
}

/**
 * What an imported name is called elsewhere: what its module exports it as, and what it is called in that module, as far
 * as the text of that shows it. Of a namespace the members that are used.
 */
export function namesElsewhere({ module, read }: LiveCode, { name, variable, from }: LiveName): string[] {
  const origin = variable && importOrigin(name, variable)
  if (origin === undefined) return []
  const exported = origin.name === '*' ? membersIn(read.text, name) : [origin.name]
  // What the worker imports by itself is no value of this process.
  return from === 'import' ? exported : exported.flatMap((one) => namesOfMember(module, origin, one))
}

/** What a member of a namespace is called in its module, its own name included. */
const namesOfMember = (
  module: string,
  { specifier }: Pick<ImportOrigin, 'specifier'>,
  member: string,
): string[] => [member, ...namesOfExport(specifier, module, member, new Set())]

/** Whether a member of a namespace may go, by all the names that it has. */
export function isMemberAllowed(
  policy: PolicyInForce,
  { module }: LiveCode,
  { name, variable }: LiveName,
  member: string,
): boolean {
  if (!deniesNames(policy)) return true
  const origin = variable && importOrigin(name, variable)
  const names = origin === undefined ? [member] : namesOfMember(module, origin, member)
  return !names.some((one) => isDenied(policy, one))
}

/** Where an export comes from: a variable of the module, or another module. */
interface Export {
  readonly name: string
  /** Undefined for a variable of the module itself. */
  readonly specifier: string | undefined
}

interface Exports {
  /** As V8 has the module. */
  readonly url: string
  readonly named: ReadonlyMap<string, Export>
  /** Modules of which everything is exported. */
  readonly all: readonly string[]
}

const rememberedModules = 256
const known = new RecentMap<string, Exports>(rememberedModules)

function namesOfExport(specifier: string, from: string, name: string, seen: Set<string>): string[] {
  const exports = exportsOf(specifier, from)
  if (exports === undefined || seen.has(`${exports.url}#${name}`)) return []
  seen.add(`${exports.url}#${name}`)
  const found = exports.named.get(name)
  if (found === undefined) return exports.all.flatMap((one) => namesOfExport(one, exports.url, name, seen))
  if (found.specifier === undefined) return [found.name]
  return [found.name, ...namesOfExport(found.specifier, exports.url, found.name, seen)]
}

const bare = (url: string): string => url.replace(/[?#].*$/, '')
const withoutEnding = (url: string): string => bare(url).replace(/(?:\/index)?\.[cm]?[jt]sx?$/, '')

function exportsOf(specifier: string, from: string): Exports | undefined {
  const base = moduleUrl(from)
  if (base === undefined || !/^(?:\.{0,2}\/|file:)/.test(specifier)) return undefined
  const { href } = new URL(specifier, base)
  const remembered = known.get(href)
  if (remembered !== undefined) return remembered
  const place = (url: string): string => moduleUrl(url) ?? ''
  // TypeScript may be imported as what it is compiled to, or without an ending.
  const script =
    scriptWhere((url) => bare(place(url)) === bare(href)) ??
    scriptWhere((url) => withoutEnding(place(url)) === withoutEnding(href))
  const program = script && parseModule(script.source)
  if (script === undefined || program === undefined) return undefined
  const exports = readExports(script.url, program)
  known.set(href, exports)
  return exports
}

const nameOf = (node: AnyNode): string =>
  node.type === 'Identifier' ? node.name : String((node as { value?: unknown }).value)

function readExports(url: string, program: Program): Exports {
  const declared = declaredIn(program)
  const named = new Map<string, Export>()
  const all: string[] = []
  const addOwn = (exported: string, name: string): void => {
    const declaration = declared.get(name)
    const origin = declaration && importOrigin(name, declaration)
    // Compilers write `export default secret` like this: `const state_default = secret`.
    const init = declaration && initOf(declaration)
    if (origin !== undefined) named.set(exported, { name: origin.name, specifier: origin.specifier })
    else named.set(exported, { name: init?.type === 'Identifier' ? init.name : name, specifier: undefined })
  }
  for (const node of program.body) {
    if (node.type === 'ExportAllDeclaration' && !node.exported) all.push(String(node.source.value))
    else if (node.type === 'ExportDefaultDeclaration' && node.declaration.type === 'Identifier') {
      addOwn('default', node.declaration.name)
    } else if (node.type === 'ExportNamedDeclaration') {
      const specifier = node.source ? String(node.source.value) : undefined
      for (const { local, exported } of node.specifiers) {
        if (specifier === undefined) addOwn(nameOf(exported), nameOf(local))
        else named.set(nameOf(exported), { name: nameOf(local), specifier })
      }
    }
  }
  return { url, named, all }
}
