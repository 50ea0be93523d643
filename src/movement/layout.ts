import type { Collected, CollectedPart } from './collect.ts'
import type { SourceDefinition, SourcePart } from './definition.ts'

/** Lays out what was collected as the definition that a worker is sent. */
export function definitionOf({ main, helpers, captureNames }: Collected): SourceDefinition {
  return {
    kind: 'source',
    ...partOf(main),
    captureNames: [...captureNames],
    helpers: inOrderOfDefinition(helpers).map(partOf),
  }
}

const partOf = ({ read: { name, source, isStrict }, bindings }: CollectedPart): SourcePart => ({
  name,
  source,
  isStrict,
  bindings: [...bindings],
})

const isClass = ({ read }: CollectedPart): boolean => read.analysis.kind === 'class'

/**
 * Helpers in an order in which they can be evaluated one after the other: functions, which need nothing for
 * that, then classes, each after those that its heritage, computed keys and static parts use.
 */
function inOrderOfDefinition(helpers: readonly CollectedPart[]): CollectedPart[] {
  const byName = new Map(helpers.flatMap((helper) => helper.bindings.map((name) => [name, helper] as const)))
  const seen = new Set<CollectedPart>()
  const classes: CollectedPart[] = []
  const visit = (part: CollectedPart): void => {
    if (seen.has(part)) return
    seen.add(part)
    for (const { name, isEager } of part.read.analysis.freeNames) {
      const needed = byName.get(name)
      // A function that a class calls while it is defined may use any of its own names.
      if (needed !== undefined && (isEager || !isClass(part))) visit(needed)
    }
    if (isClass(part)) classes.push(part)
  }
  for (const helper of helpers.filter(isClass)) visit(helper)
  return [...helpers.filter((helper) => !isClass(helper)), ...classes]
}
