import { types } from 'node:util'
import type { FoundName } from '../capture-policy.ts'
import { isNativeText } from '../function-source.ts'
import { type ImportOrigin, importOrigin } from '../live/import-origin.ts'
import type { LiveCode, LiveName } from '../live/live-code.ts'
import { copiedFrom, memberNamesElsewhere } from '../live/names-elsewhere.ts'
import { namespaceUse } from '../live/namespace-use.ts'
import { readLive, valueOf } from '../live/reading.ts'
import { homeOfExport, type VariableHome } from '../live/variable-home.ts'
import { propertyStep } from '../../transport/codec/path.ts'
import { holdsMembers } from './binding-ids.ts'

/** A variable that a member of a namespace stands for; where nothing shows it, the member is one by itself. */
export type MemberVariable = Omit<VariableHome, 'variable'> & Pick<LiveName, 'variable'>

/** What is used of the namespace of a module that goes by value. */
export class UsedMembers {
  /** By the name of the member. */
  readonly homes: ReadonlyMap<string, MemberVariable>
  readonly values: Readonly<Record<string, unknown>>

  constructor(homes: ReadonlyMap<string, MemberVariable>, values: Readonly<Record<string, unknown>>) {
    this.homes = homes
    this.values = values
  }
}

/** As `instanceof`, which would ask a proxy. */
export const isUsedMembers = (value: object): value is UsedMembers =>
  !types.isProxy(value) && Object.getPrototypeOf(value) === UsedMembers.prototype

/** Where Vite and bundlers make the namespace, each member is a function that gives a variable. */
function homeOfGetter(namespace: object, member: string): VariableHome | undefined {
  const get = types.isProxy(namespace) ? undefined : Object.getOwnPropertyDescriptor(namespace, member)?.get
  const reading = get && !isNativeText(get) ? readLive(get, member, {}) : undefined
  const code = reading?.code
  // A copy that a bundler made: it asks another one.
  const [, from, key] = /^\(\)\s*=>\s*([\w$]+)\[([\w$]+)\]$/.exec(code?.read.text ?? '') ?? []
  const source = from === undefined ? undefined : valueOf(from, reading!.scopes)
  if (typeof source === 'object' && source !== null && source !== namespace) {
    return homeOfGetter(source, String(valueOf(key!, reading!.scopes)))
  }
  const [only, ...others] = code?.names ?? []
  if (only?.from !== 'binding' || only.variable === undefined || others.length > 0) return undefined
  return only.home ?? { module: code!.module, name: only.name, variable: only.variable }
}

/**
 * A module namespace that has to go by value goes as an object of what the function uses of it: the members that it
 * names, or all where it does anything else with it. Everything else is as it is.
 * @param permit - asked about each member before its value is looked at
 */
export function membersOf(
  code: LiveCode,
  name: LiveName,
  value: unknown,
  path: string,
  permit: (found: FoundName) => void,
): unknown {
  const origin = name.variable && importOrigin(name.name, name.variable)
  if (typeof value !== 'object' || value === null) return value
  if (origin?.name !== '*' && !types.isModuleNamespaceObject(value)) return value
  const namespace = value as Record<string, unknown>
  const isPlain = isPlainExports(namespace, origin)
  const use = origin === undefined || isPlain ? 'all' : namespaceUse(code.read, name.name)
  const members = use === 'all' ? keysOf(namespace) : [...use].filter((member) => member in namespace)
  const homes = new Map(
    members.map((member) => [member, homeOfMember(namespace, member, origin, code, name)]),
  )
  for (const [member, home] of homes) {
    const aliases = (): string[] => [
      ...memberNamesElsewhere(code, name, member),
      ...namesOfHome(home, member),
    ]
    permit({ name: member, path: path + propertyStep(member), aliases })
  }
  holdsMembers(code, name, use === 'all' ? undefined : use)
  if (isPlain) return value
  return new UsedMembers(homes, namespace)
}

/** The enumerable ones; of a proxy they can't be had. */
const keysOf = (namespace: object): string[] => (types.isProxy(namespace) ? [] : Object.keys(namespace))

/** What CommonJS exports is an object like others, unless a compiler has made it of an ES module. */
function isPlainExports(value: object, origin: ImportOrigin | undefined): boolean {
  if (origin?.isRequire !== true || types.isModuleNamespaceObject(value)) return false
  return types.isProxy(value) || Object.getOwnPropertyDescriptor(value, '__esModule')?.value !== true
}

function homeOfMember(
  namespace: Record<string, unknown>,
  member: string,
  origin: ImportOrigin | undefined,
  code: LiveCode,
  name: LiveName,
): MemberVariable {
  const home = types.isModuleNamespaceObject(namespace)
    ? origin?.name === '*' && homeOfExport(origin.specifier, member, code.module)
    : homeOfGetter(namespace, member)
  return home || { module: code.module, name: `${name.name}.${member}`, variable: undefined }
}

/** What the variable of a member is called, if that is known. */
const namesOfHome = ({ name, variable }: MemberVariable, member: string): string[] =>
  variable === undefined || name === member ? [] : [name, ...copiedFrom(name, variable)]
