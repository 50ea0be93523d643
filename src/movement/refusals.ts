import { CaptureError } from '../errors/data-errors.ts'
import { adviceFor } from './compiler-shims.ts'
import type { FreeName, FunctionAnalysis } from './free-names.ts'

interface Refusal {
  readonly applies: (analysis: FunctionAnalysis) => boolean
  readonly why: string | ((analysis: FunctionAnalysis) => string)
  readonly hint: string
}

/** What a function may use of its surroundings that no other process can supply. */
const refusals: readonly Refusal[] = [
  {
    applies: (analysis) => analysis.hasDirectEval,
    why: 'it calls `eval` directly, which could refer to anything around it',
    hint: 'Call `(0, eval)(source)`, which sees only globals',
  },
  {
    applies: (analysis) => analysis.hasWith,
    why: 'it uses `with`, so that its names have no fixed meaning',
    hint: 'Write out the object that is meant',
  },
  {
    applies: (analysis) => analysis.usesThis,
    why: 'it uses the `this` of the code around it',
    hint: 'Pass the object as an argument, or use a `function` that gets what it needs as arguments',
  },
  {
    applies: (analysis) => analysis.usesSuper,
    why: 'it uses `super`, which belongs to the object or class that it is a member of',
    hint: 'Send a function that does not use `super`, or give the whole class in `captures`',
  },
  {
    applies: (analysis) => analysis.outerPrivateNames.length > 0,
    why: ({ outerPrivateNames: [name] }) => `it uses the private name \`#${name}\` of the class around it`,
    hint: 'Give the whole class in `captures`',
  },
  {
    applies: (analysis) => analysis.usesNewTarget,
    why: 'it uses the `new.target` of the function around it',
    hint: 'Pass it as an argument',
  },
  {
    applies: (analysis) => analysis.usesOuterArguments,
    why: 'it uses the `arguments` of the function around it',
    hint: 'Pass them as an argument',
  },
]

/** @throws {CaptureError} if the function uses `import.meta`, and where its module is is not known */
export function refuseImportMeta({ hasImportMeta }: FunctionAnalysis, path: string): void {
  if (!hasImportMeta) return
  throw new CaptureError({
    path,
    why: 'it uses `import.meta`, which belongs to its module',
    hint: 'Pass what you need of it, such as `import.meta.url`, as an argument',
  })
}

/** @throws {CaptureError} if the function uses something of its surroundings that can't go with it */
export function refuseSurroundings(analysis: FunctionAnalysis, path: string): void {
  const refusal = refusals.find(({ applies }) => applies(analysis))
  if (refusal === undefined) return
  const why = typeof refusal.why === 'string' ? refusal.why : refusal.why(analysis)
  throw new CaptureError({ path, why, hint: refusal.hint })
}

const oneLine = (names: readonly string[]): string => {
  const shown = names.slice(0, 5).join(', ')
  return names.length > 5 ? `${shown}, …` : shown
}

const ofMissingNames = new WeakSet<CaptureError>()

/** Whether a refusal is about names that nothing supplies. */
export const isOfMissingNames = (error: CaptureError): boolean => ofMissingNames.has(error)

/** The error for the free names of one function that nothing supplies; `missing` has at least one. */
export function missingNames(missing: readonly [FreeName, ...FreeName[]], path: string): CaptureError {
  const [{ name, line, column }, ...others] = missing
  const also = others.length > 0 ? ` (so are ${oneLine(others.map((other) => other.name))})` : ''
  const ordinary = [
    name,
    ...others.map((other) => other.name).filter((other) => adviceFor(other) === undefined),
  ]
  const isHostGlobal = Object.hasOwn(globalThis, name)
  const error = new CaptureError({
    path: `${path} → ${name}`,
    why:
      `\`${name}\` (line ${line}, column ${column}) is not declared in the function${also}` +
      (isHostGlobal ? '; this process has a global of that name, which a worker does not have' : ''),
    hint:
      adviceFor(name) ??
      `Pass it by \`captures: { ${oneLine(ordinary)} }\` or as an argument, or name the function by ` +
        '`{ module, export }`',
  })
  ofMissingNames.add(error)
  return error
}
