import type { Class } from 'acorn'
import type { FunctionSource } from '../function-source.ts'
import { nameOfKey } from '../live/import-origin.ts'
import { parseFunction } from '../syntax.ts'
import { changeableFields, type StaticField } from './static-fields.ts'

/** A member that the text of a class names. */
export interface ClassMember {
  readonly key: string
  readonly isStatic: boolean
  readonly kind: 'method' | 'get' | 'set' | 'field'
}

/** What the text of a class makes. */
export interface ClassMembers {
  /** Public ones, whose keys stand there as they are. */
  readonly named: readonly ClassMember[]
  /** Static private fields that may have another value than the text gives them. */
  readonly changeable: readonly StaticField[]
}

const none: ClassMembers = { named: [], changeable: [] }

const membersOf = new WeakMap<FunctionSource, ClassMembers>()

/** The members that the text of a class makes by itself. */
export function classMembers(read: FunctionSource): ClassMembers {
  const known = membersOf.get(read)
  if (known !== undefined) return known
  const members = read.analysis.kind === 'class' ? findMembers(read) : none
  membersOf.set(read, members)
  return members
}

function findMembers({ text, analysis }: FunctionSource): ClassMembers {
  const node = parseFunction(text, analysis.isStrict).node as Class
  const named: ClassMember[] = []
  for (const member of node.body.body) {
    if (member.type === 'StaticBlock' || member.key.type === 'PrivateIdentifier') continue
    const { computed, key, static: isStatic } = member
    if (member.type === 'MethodDefinition' && member.kind === 'constructor') continue
    // Fields of instances are made by the constructor.
    if (member.type === 'PropertyDefinition' && !isStatic) continue
    if (computed) continue
    const kind = member.type === 'PropertyDefinition' ? 'field' : (member.kind as 'method' | 'get' | 'set')
    named.push({ key: nameOfKey(key), isStatic, kind })
  }
  return { named, changeable: changeableFields(node) }
}
