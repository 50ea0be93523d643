import { types } from 'node:util'
import { isNativeText } from '../function-source.ts'
import { importOrigin } from '../live/import-origin.ts'
import { membersIn } from '../live/names-elsewhere.ts'
import type { LiveCode, LiveName } from '../live/live-code.ts'
import { readLive } from '../live/reading.ts'
import { homeOfExport, type VariableHome } from '../live/variable-home.ts'
import { variableId } from './binding-ids.ts'

/** By binding: the members of a namespace that some function has been seen to use. */
const usedMembers = new Map<number, Set<string>>()

/** What is used of the namespace of a module that goes by value. */
export class UsedMembers {
  /** Members that are variables of modules that this process has loaded, by name. */
  readonly homes = new Map<string, VariableHome>()
  /** The others, as they are now. */
  readonly copies: Record<string, unknown> = {}
  readonly values: Record<string, unknown>

  constructor(members: Iterable<string>, namespace: Record<string, unknown>, code: LiveCode, name: LiveName) {
    this.values = namespace
    const origin = name.variable && importOrigin(name.name, name.variable)
    for (const member of members) {
      const home = types.isModuleNamespaceObject(namespace)
        ? origin?.name === '*' && homeOfExport(origin.specifier, member, code.module)
        : homeOfGetter(namespace, member)
      if (!home) this.copies[member] = namespace[member]
      else this.homes.set(member, home)
    }
  }
}

/** As `instanceof`, which would ask a proxy. */
export const isUsedMembers = (value: object): value is UsedMembers =>
  !types.isProxy(value) && Object.getPrototypeOf(value) === UsedMembers.prototype

/** Where Vite and bundlers make the namespace, each member is a function that gives a variable. */
function homeOfGetter(namespace: object, member: string): VariableHome | undefined {
  const get = types.isProxy(namespace) ? undefined : Object.getOwnPropertyDescriptor(namespace, member)?.get
  const code = get && !isNativeText(get) ? readLive(get, member, {})?.code : undefined
  const [only, ...others] = code?.names ?? []
  if (only?.from !== 'binding' || only.variable === undefined || others.length > 0) return undefined
  return only.home ?? { module: code!.module, name: only.name, variable: only.variable }
}

/**
 * A module namespace that has to go by value goes as an object of what is used of it; everything else is as it is.
 * @param isAllowed - members that other functions use may be denied to this one
 */
export function membersOf(
  code: LiveCode,
  name: LiveName,
  value: unknown,
  isAllowed: (member: string) => boolean,
): unknown {
  if (!isNamespace(name, value)) return value
  const id = variableId(code, name)
  const members = usedMembers.get(id) ?? new Set()
  usedMembers.set(id, members)
  for (const member of membersIn(code.read.text, name.name)) members.add(member)
  return new UsedMembers([...members].filter(isAllowed), value, code, name)
}

/** How many members of the namespace of a binding have been seen to be used; 0 if it is none. */
export const countOfMembers = (id: number): number => usedMembers.get(id)?.size ?? 0

function isNamespace(name: LiveName, value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || name.variable === undefined) return false
  return importOrigin(name.name, name.variable)?.name === '*' || types.isModuleNamespaceObject(value)
}
