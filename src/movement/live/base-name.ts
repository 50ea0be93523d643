import { analyseFunction, type FunctionAnalysis } from '../free-names.ts'
import type { FunctionSource } from '../function-source.ts'

/** What the base of a class is called in code that was sent, where the source has an expression for it. */
export const baseName = 'ꙮbase'

/**
 * The text of a class with a name in place of the expression that it extends: that was evaluated long ago, and the class
 * knows what it gave. Lines stay what they are.
 */
export function withBaseName({ text, analysis }: FunctionSource): {
  readonly text: string
  readonly analysis: FunctionAnalysis
} {
  const { start, end } = analysis.heritageSpan!
  const lines = text.slice(start, end).replaceAll(/[^\n]+/g, '')
  const based = `${text.slice(0, start)}${baseName}${lines}${text.slice(end)}`
  return { text: based, analysis: analyseFunction(based, analysis.isStrict) }
}
