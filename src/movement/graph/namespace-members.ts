import { types } from 'node:util'
import { deniesNames, isDenied, type PolicyInForce } from '../capture-policy.ts'
import { importOrigin } from '../live/import-origin.ts'
import { membersIn, namesOfMember } from '../live/names-elsewhere.ts'
import type { LiveCode, LiveName } from '../live/live-code.ts'
import { bindingId } from './binding-ids.ts'

/** By binding: the members of a namespace that some function has been seen to use. */
const usedMembers = new Map<number, Set<string>>()

/**
 * A module namespace that has to go by value goes as an object of what is used of it; everything else is as it is.
 * @param policy - members that other functions use may be denied to this one
 */
export function membersOf(code: LiveCode, name: LiveName, value: unknown, policy: PolicyInForce): unknown {
  if (!isNamespace(name, value)) return value
  const id = bindingId(`${code.module}#${name.name}`)
  const members = usedMembers.get(id) ?? new Set()
  usedMembers.set(id, members)
  for (const member of membersIn(code.read.text, name.name)) members.add(member)
  const origin = importOrigin(name.name, name.variable!)
  const isAllowed = (member: string): boolean => {
    if (!deniesNames(policy)) return true
    const names = origin === undefined ? [member] : namesOfMember(code.module, origin, member)
    return !names.some((one) => isDenied(policy, one))
  }
  return Object.fromEntries([...members].filter(isAllowed).map((member) => [member, value[member]]))
}

/** How many members of the namespace of a binding have been seen to be used; 0 if it is none. */
export const countOfMembers = (id: number): number => usedMembers.get(id)?.size ?? 0

function isNamespace(name: LiveName, value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || name.variable === undefined) return false
  return importOrigin(name.name, name.variable)?.name === '*' || types.isModuleNamespaceObject(value)
}
