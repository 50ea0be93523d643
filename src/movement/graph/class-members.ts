import type { Class } from 'acorn'
import type { FunctionSource } from '../function-source.ts'
import { nameOfKey } from '../live/import-origin.ts'
import { parseFunction } from '../syntax.ts'

/** A member that the text of a class names. */
export interface ClassMember {
  readonly key: string
  readonly isStatic: boolean
  readonly kind: 'method' | 'get' | 'set' | 'field'
}

/** What the text of a class makes. Private members, which nobody can change, are left out. */
export interface ClassMembers {
  /** Those whose keys stand there as they are. */
  readonly named: readonly ClassMember[]
  /** Whether there are others, whose keys are computed. */
  readonly hasComputed: boolean
}

const membersOf = new WeakMap<FunctionSource, ClassMembers>()

/** The members that the text of a class makes by itself. */
export function classMembers(read: FunctionSource): ClassMembers {
  const known = membersOf.get(read)
  if (known !== undefined) return known
  const members = read.analysis.kind === 'class' ? findMembers(read) : { named: [], hasComputed: false }
  membersOf.set(read, members)
  return members
}

function findMembers({ text, analysis }: FunctionSource): ClassMembers {
  const { body } = (parseFunction(text, analysis.isStrict).node as Class).body
  const named: ClassMember[] = []
  let hasComputed = false
  for (const member of body) {
    if (member.type === 'StaticBlock' || member.key.type === 'PrivateIdentifier') continue
    const { computed, key, static: isStatic } = member
    if (member.type === 'MethodDefinition' && member.kind === 'constructor') continue
    // Fields of instances are made by the constructor.
    if (member.type === 'PropertyDefinition' && !isStatic) continue
    if (computed) hasComputed = true
    else {
      const kind = member.type === 'PropertyDefinition' ? 'field' : (member.kind as 'method' | 'get' | 'set')
      named.push({ key: nameOfKey(key), isStatic, kind })
    }
  }
  return { named, hasComputed }
}
