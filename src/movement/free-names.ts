import type { Class, Function as FunctionNode } from 'acorn'
import { Findings } from './findings.ts'
import { parseFunction, type ParsedFunction, placeOf } from './syntax.ts'
import { walkRoot } from './walk.ts'

/** A name that a function refers to and does not declare itself. */
export interface FreeName {
  readonly name: string
  /** Where it appears first, counted from 1 in the function's own text. */
  readonly line: number
  readonly column: number
  /** Assigned to, somewhere. */
  readonly isWritten: boolean
  /** Only ever the operand of `typeof`, which is harmless if the name does not exist. */
  readonly isTypeofOnly: boolean
  /** For a class: may be evaluated while the class is defined (heritage, computed keys, static parts). */
  readonly isEager: boolean
}

/** What a source is. Getters and setters are the accessor functions, as a property descriptor has them. */
export type FunctionKind = 'function' | 'arrow' | 'method' | 'getter' | 'setter' | 'class'

/** What a function needs from outside itself, by its text alone. */
export interface FunctionAnalysis {
  readonly kind: FunctionKind
  readonly isAsync: boolean
  readonly isGenerator: boolean
  /** Its `length`: the parameters before the first with a default, or that takes the rest. */
  readonly parameterCount: number
  /** Whether it was read as strict code. */
  readonly isStrict: boolean
  /** In the order of their first appearance. */
  readonly freeNames: readonly FreeName[]
  /** The `this` of the code around it: of an arrow, or in the heritage or a computed key of a class. */
  readonly usesThis: boolean
  readonly usesSuper: boolean
  readonly usesNewTarget: boolean
  readonly usesOuterArguments: boolean
  /** Private names that a class around it declares, without `#`. */
  readonly outerPrivateNames: readonly string[]
  readonly hasDirectEval: boolean
  readonly hasWith: boolean
  readonly hasImportMeta: boolean
  readonly dynamicImports: {
    readonly specifiers: readonly string[]
    readonly hasComputed: boolean
    /** What `require` is given. */
    readonly required: readonly string[]
  }
  /** The name that a class extends, if that is just a name. */
  readonly heritage: string | undefined
  /** Where the expression that the class extends stands in the source, if it is more than a name. */
  readonly heritageSpan: { readonly start: number; readonly end: number } | undefined
  /** Offset of what follows the name of a method or accessor: its parameters and body. */
  readonly memberTail: number | undefined
}

/**
 * Finds out what a function or class needs from outside, from its text.
 *
 * @param source - as `Function.prototype.toString` gives it, in any form
 * @param isStrict - whether it is strict code; if unknown, it is read as strict, and as sloppy if that fails
 * @throws {SyntaxError} if the text is not one function or class in JavaScript
 */
export function analyseFunction(source: string, isStrict?: boolean): FunctionAnalysis {
  if (isStrict !== undefined) return analyseAs(source, isStrict)
  try {
    return analyseAs(source, true)
  } catch (strictError) {
    try {
      return analyseAs(source, false)
    } catch {
      throw strictError
    }
  }
}

function parameterCountOf({ params }: FunctionNode): number {
  const place = params.findIndex(({ type }) => type === 'AssignmentPattern' || type === 'RestElement')
  return place < 0 ? params.length : place
}

function analyseAs(source: string, isStrict: boolean): FunctionAnalysis {
  const parsed = parseFunction(source, isStrict)
  const { node, form, shift } = parsed
  const findings = new Findings()
  walkRoot(node, isStrict, findings)
  const freeNames = findings.freeReferences().map(({ start, ...free }) => ({
    ...free,
    ...placeOf(source, start - shift),
  }))
  const isClass = node.type === 'ClassExpression'
  return {
    kind: kindOf(parsed),
    isAsync: !isClass && (node as FunctionNode).async,
    isGenerator: !isClass && (node as FunctionNode).generator,
    parameterCount: isClass ? 0 : parameterCountOf(node as FunctionNode),
    isStrict,
    freeNames,
    usesThis: findings.usesThis,
    usesSuper: findings.usesSuper,
    usesNewTarget: findings.usesNewTarget,
    usesOuterArguments: findings.usesOuterArguments,
    outerPrivateNames: findings.outerPrivateNames(),
    hasDirectEval: findings.hasDirectEval,
    hasWith: findings.hasWith,
    hasImportMeta: findings.hasImportMeta,
    dynamicImports: {
      specifiers: [...findings.importSpecifiers],
      hasComputed: findings.hasComputedImport,
      required: [...findings.requireSpecifiers],
    },
    heritage: heritageOf(node),
    heritageSpan: heritageSpanOf(node, shift),
    memberTail: form === 'expression' ? undefined : node.start - shift,
  }
}

function heritageOf(node: FunctionNode | Class): string | undefined {
  if (node.type !== 'ClassExpression') return undefined
  const { superClass } = node as Class
  return superClass?.type === 'Identifier' ? superClass.name : undefined
}

function heritageSpanOf(node: FunctionNode | Class, shift: number): FunctionAnalysis['heritageSpan'] {
  const superClass = node.type === 'ClassExpression' ? (node as Class).superClass : undefined
  if (!superClass || superClass.type === 'Identifier' || superClass.type === 'Literal') return undefined
  return { start: superClass.start - shift, end: superClass.end - shift }
}

function kindOf({ node, form }: { node: FunctionNode | Class; form: ParsedFunction['form'] }): FunctionKind {
  if (form !== 'expression') return form
  if (node.type === 'ClassExpression') return 'class'
  return node.type === 'ArrowFunctionExpression' ? 'arrow' : 'function'
}
