import { type AnyNode, parse, type Program } from 'acorn'
import { childrenOf } from '../session/scan.ts'
import { boundNames } from '../patterns.ts'
import { importOrigin, interop, looseOrigin, nameOfKey } from './import-origin.ts'
import { assignedIn, type Declaration, declaredIn, initOf } from './declarations.ts'

/** A variable of a module as seen from a place in it. */
export interface Variable extends Declaration {
  /** Nothing but its declaration gives it a value. */
  readonly isNeverReassigned: boolean
}

/** The text of a module, as a tree; undefined if it is no JavaScript that our parser knows. */
function parseModule(source: string): Program | undefined {
  for (const sourceType of ['module', 'script'] as const) {
    try {
      return parse(source, {
        ecmaVersion: 'latest',
        sourceType,
        allowHashBang: true,
        allowReturnOutsideFunction: true,
        allowAwaitOutsideFunction: true,
        allowSuperOutsideMethod: true,
      })
    } catch {
      // Sloppy code, most likely; or no way to know.
    }
  }
  return undefined
}
/** What a module gives under a name: a variable of its own, or the export of another module. */
export type ModuleExport =
  | { readonly local: string; readonly variable: Variable }
  | { readonly specifier: string; readonly name: string }

/** By what an export goes: the name of a variable, or of what another module exports. */
export type Spelling = { readonly local: string } | { readonly specifier: string; readonly name: string }

/** What the text of a module says about the names in it. */
export class ModuleFacts {
  readonly #spellings = new Map<string, readonly Spelling[]>()
  readonly #program: Program
  /** The scopes whose names are the module's: the program, or what a test runner has wrapped it in. */
  readonly #topLevel: ReadonlySet<AnyNode>
  #namespaces: ReadonlySet<string> | undefined

  private constructor(program: Program) {
    this.#program = program
    this.#topLevel = topLevelOf(program)
  }

  /** Undefined if the text is no JavaScript that our parser knows. */
  static read(source: string): ModuleFacts | undefined {
    const program = parseModule(source)
    return program && new ModuleFacts(program)
  }

  /** Names that a bundler has made namespaces: `let fs = require('fs'); fs = __toESM(fs)`. */
  get namespaces(): ReadonlySet<string> {
    this.#namespaces ??= namespacesIn(this.#program)
    return this.#namespaces
  }

  /** What the module exports as `name`, in the order in which to look; empty if it does not say so. */
  exported(name: string): ModuleExport[] {
    return this.#exportedOrPassedOn(name).flatMap((one) =>
      'specifier' in one ? [one] : this.#own(one.local, one.isCopy),
    )
  }

  #exportedOrPassedOn(name: string): Exported[] {
    const found = exportedBy(this.#program, name)
    if (found.length > 0 || name === 'default') return found
    return this.#program.body.flatMap((node) =>
      node.type === 'ExportAllDeclaration' && !node.exported
        ? [{ specifier: String(node.source.value), name }]
        : [],
    )
  }

  /**
   * By what an export goes in this module: names of its variables, and what other modules export. It may be more than the
   * variable that it is by now, and of a copy it is what that was made of.
   */
  spellings(name: string): readonly Spelling[] {
    const known = this.#spellings.get(name)
    if (known !== undefined) return known
    const found = this.#exportedOrPassedOn(name).flatMap((one) =>
      'local' in one ? this.#spelled(one.local, new Set()) : [one],
    )
    this.#spellings.set(name, found)
    return found
  }

  #spelled(local: string, seen: Set<string>): Spelling[] {
    const declared = declaredIn(this.#program).get(local)
    if (declared === undefined || seen.has(local)) return [{ local }]
    seen.add(local)
    const origin = looseOrigin(local, declared)
    // Compilers write `export default secret` like this: `const state_default = secret`.
    const init = initOf(declared)
    const others = init?.type === 'Identifier' ? this.#spelled(init.name, seen) : []
    return [{ local }, ...(origin === undefined ? [] : [origin]), ...others]
  }

  #own(local: string, isCopy = false): ModuleExport[] {
    const declared = declaredIn(this.#program).get(local)
    if (declared === undefined) return []
    const variable = this.#variable(local, declared)
    // `export default x` is what `x` was.
    if (isCopy && !variable.isNeverReassigned) return []
    const origin = importOrigin(local, variable)
    if (declared.kind === 'import' && origin !== undefined) return [origin]
    // esbuild's own name for what a default export is.
    const init = local.endsWith('_default') && variable.isNeverReassigned ? initOf(variable) : undefined
    const alias = init?.type === 'Identifier' ? this.#own(init.name)[0] : undefined
    const isSame = alias !== undefined && (!('variable' in alias) || alias.variable.isNeverReassigned)
    return [isSame ? alias : { local, variable }]
  }

  #variable(name: string, declared: Omit<Declaration, 'scopeStart' | 'isTopLevel'>): Variable {
    const isConstant = declared.kind === 'const' || declared.kind === 'import'
    const isNeverReassigned = isConstant || !assignedIn(this.#program).has(name)
    return { ...declared, scopeStart: this.#program.start, isTopLevel: true, isNeverReassigned }
  }

  /** What `name` is around a function whose text begins at an offset; undefined if nothing there declares it. */
  lookUp(name: string, offset: number): Variable | undefined {
    const around = this.#around(offset)
    for (let i = around.length - 1; i >= 0; i--) {
      const node = around[i]!
      // The function itself; the program may begin with it.
      if (node.start >= offset && i > 0) continue
      const found = declaredIn(node).get(name)
      if (found === undefined) continue
      const isNeverReassigned =
        found.kind === 'const' || found.kind === 'import' || !assignedIn(node).has(name)
      return { ...found, scopeStart: node.start, isTopLevel: this.#topLevel.has(node), isNeverReassigned }
    }
    return undefined
  }

  /** The nodes that an offset stands in, outermost first. */
  #around(offset: number): AnyNode[] {
    const nodes: AnyNode[] = []
    let node: AnyNode | undefined = this.#program
    while (node !== undefined) {
      nodes.push(node)
      node = childrenOf(node).find((child) => child.start <= offset && offset < child.end) as
        | AnyNode
        | undefined
    }
    return nodes
  }
}

type Exported =
  | { readonly local: string; readonly isCopy: boolean }
  | { readonly specifier: string; readonly name: string }

/** What the declarations of exports say of one name. */
function exportedBy(program: Program, name: string): Exported[] {
  for (const node of program.body) {
    if (node.type === 'ExportDefaultDeclaration' && name === 'default') {
      const { declaration } = node
      if (declaration.type === 'Identifier') return [{ local: declaration.name, isCopy: true }]
      return 'id' in declaration && declaration.id ? [{ local: declaration.id.name, isCopy: false }] : []
    }
    if (node.type === 'ExportAllDeclaration' && node.exported && nameOfKey(node.exported) === name) {
      return [{ specifier: String(node.source.value), name: '*' }]
    }
    if (node.type !== 'ExportNamedDeclaration') continue
    if (node.declaration && namesOf(node.declaration).includes(name)) return [{ local: name, isCopy: false }]
    const found = node.specifiers.find(({ exported }) => nameOfKey(exported) === name)
    if (found === undefined) continue
    const local = nameOfKey(found.local)
    return [node.source ? { specifier: String(node.source.value), name: local } : { local, isCopy: false }]
  }
  return []
}

const namesOf = (node: AnyNode): string[] =>
  node.type === 'VariableDeclaration'
    ? node.declarations.flatMap(({ id }) => [...boundNames(id)])
    : 'id' in node && node.id?.type === 'Identifier'
      ? [node.id.name]
      : []

function namespacesIn(program: Program): Set<string> {
  const names = new Set<string>()
  for (const statement of program.body) {
    if (statement.type !== 'ExpressionStatement' || statement.expression.type !== 'AssignmentExpression')
      continue
    const { left, right } = statement.expression
    if (left.type !== 'Identifier' || right.type !== 'CallExpression') continue
    if (right.callee.type === 'Identifier' && interop.test(right.callee.name)) names.add(left.name)
  }
  return names
}

function topLevelOf(program: Program): Set<AnyNode> {
  const nodes = new Set<AnyNode>([program])
  const statements = program.body.filter(
    (node) => !(node.type === 'ExpressionStatement' && node.directive !== undefined),
  )
  const [only] = statements
  if (statements.length !== 1 || only?.type !== 'ExpressionStatement') return nodes
  const { expression } = only
  if (expression.type !== 'ArrowFunctionExpression' && expression.type !== 'FunctionExpression') return nodes
  nodes.add(expression)
  if (expression.body.type !== 'BlockStatement') return nodes
  nodes.add(expression.body)
  const [inner] = expression.body.body
  if (expression.body.body.length === 1 && inner?.type === 'BlockStatement') nodes.add(inner)
  return nodes
}
