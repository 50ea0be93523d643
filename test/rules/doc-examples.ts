import { docsOf } from './public-docs.ts'
import { PublicExports } from './public-exports.ts'

/** A piece of code in the documentation. */
export interface Example {
  /** Where it is, for people. */
  readonly where: string
  readonly code: string
  /** `no-run` examples are type-checked only. */
  readonly isRun: boolean
}

/** Examples, and what is wrong with the way they are written. */
export interface Examples {
  readonly examples: readonly Example[]
  readonly faults: readonly string[]
}

/** The code of every `@example` of what the entries export; what is on the tag's own line is a title. */
export function docstringExamples(root: string, entries: readonly string[]): Examples {
  const found = entries
    .flatMap((entry) => new PublicExports(root).of(entry))
    .flatMap(docsOf)
    .flatMap(({ where, doc }) =>
      doc.tags.filter((tag) => tag.name === 'example').map(({ text }) => ({ where, text })),
    )
  const unique = new Map(found.map((one) => [`${one.where}\0${one.text}`, one]))
  return merge(
    [...unique.values()].map(({ where, text }) => {
      if (text.includes('```')) return fencedExamples(where, text)
      const code = text.split('\n').slice(1).join('\n')
      if (code.trim() === '') return { examples: [], faults: [`${where}: @example has no code`] }
      return { examples: [{ where, code, isRun: true }], faults: [] }
    }),
  )
}

/** The blocks of Markdown that are fenced as `ts`; as `ts no-run` only with the reason in a comment right before. */
export function fencedExamples(where: string, markdown: string): Examples {
  const lines = markdown.split('\n')
  const examples: Example[] = []
  const faults: string[] = []
  for (let index = 0; index < lines.length; index++) {
    const [, info] = /^```(.+)$/.exec(lines[index] ?? '') ?? []
    if (info === undefined) continue
    const start = index + 1
    index = lines.indexOf('```', start)
    if (index === -1) return { examples, faults: [...faults, `${where}:${start} a block is never closed`] }
    const [language, ...flags] = info.trim().split(/\s+/)
    if (language !== 'ts') continue
    const unknown = flags.find((flag) => flag !== 'no-run')
    if (unknown !== undefined) faults.push(`${where}:${start} "${unknown}" is not known; "no-run" is`)
    const isRun = flags.length === 0
    if (!isRun && !/^\s*(<!--.*\w.*-->|\/\/.*\w.*)$/.test(lines[start - 2] ?? '')) {
      faults.push(`${where}:${start} no-run without a comment on the line before that says why`)
    }
    examples.push({ where: `${where}:${start}`, code: lines.slice(start, index).join('\n'), isRun })
  }
  return { examples, faults }
}

/** Puts several findings together. */
export function merge(parts: readonly Examples[]): Examples {
  return { examples: parts.flatMap((part) => part.examples), faults: parts.flatMap((part) => part.faults) }
}
