import type { AnyNode, Class, Function as FunctionNode, Node } from 'acorn'
import { boundNames } from '../patterns.ts'
import { childrenOf } from '../session/scan.ts'

/** How a name was declared. */
export type DeclarationKind = 'let' | 'const' | 'var' | 'function' | 'class' | 'parameter' | 'import'

/** A name as its own module declares it. */
export interface Declaration {
  readonly kind: DeclarationKind
  /** Where its scope begins: with the name, tells this variable from others. */
  readonly scopeStart: number
  readonly isTopLevel: boolean
  /** What declares it: a declarator, an import specifier, a function. */
  readonly node: AnyNode
  /** For an import: the whole declaration. */
  readonly parent: AnyNode
}

type Names = Map<string, Omit<Declaration, 'scopeStart' | 'isTopLevel'>>

const namesOfScope = new WeakMap<Node, Names>()

/** The names that a node declares for what stands in it. */
export function declaredIn(node: AnyNode): Names {
  const known = namesOfScope.get(node)
  if (known !== undefined) return known
  const names: Names = new Map()
  collect(node, names)
  namesOfScope.set(node, names)
  return names
}

function collect(node: AnyNode, names: Names): void {
  switch (node.type) {
    case 'Program':
      for (const statement of node.body) addHoisted(statement, names)
      for (const statement of node.body) addLexical(statement, names, true)
      return
    case 'FunctionDeclaration':
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
      addFunction(node, names)
      return
    case 'ClassDeclaration':
    case 'ClassExpression':
      if (node.id) names.set(node.id.name, { kind: 'class', node, parent: node })
      return
    case 'BlockStatement':
    case 'StaticBlock':
      for (const statement of node.body) addLexical(statement, names, false)
      return
    case 'ForStatement':
      if (node.init) addLexical(node.init, names, false)
      return
    case 'ForInStatement':
    case 'ForOfStatement':
      addLexical(node.left, names, false)
      return
    case 'SwitchStatement':
      for (const { consequent } of node.cases) {
        for (const statement of consequent) addLexical(statement, names, false)
      }
      return
    case 'CatchClause':
      for (const name of boundNames(node.param ?? null)) {
        names.set(name, { kind: 'parameter', node, parent: node })
      }
      return
    default:
  }
}

function addFunction(node: FunctionNode & AnyNode, names: Names): void {
  const add = (name: string, kind: DeclarationKind): void => {
    names.set(name, { kind, node, parent: node })
  }
  if (node.type === 'FunctionExpression' && node.id) add(node.id.name, 'function')
  for (const parameter of node.params) for (const name of boundNames(parameter)) add(name, 'parameter')
  if (node.body.type !== 'BlockStatement') return
  for (const statement of node.body.body) addHoisted(statement, names)
  for (const statement of node.body.body) addLexical(statement, names, true)
}

/** `var`, from wherever it stands in the function. */
function addHoisted(node: AnyNode, names: Names): void {
  if (isFunctionOrClass(node)) return
  if (node.type === 'VariableDeclaration' && node.kind === 'var') addVariables(node, names)
  for (const child of childrenOf(node)) addHoisted(child as AnyNode, names)
}

function addVariables(node: Extract<AnyNode, { type: 'VariableDeclaration' }>, names: Names): void {
  const kind = node.kind === 'let' || node.kind === 'var' ? node.kind : 'const'
  for (const declarator of node.declarations) {
    for (const name of boundNames(declarator.id)) names.set(name, { kind, node: declarator, parent: node })
  }
}

function addLexical(statement: AnyNode, names: Names, isBody: boolean): void {
  const node = declarationOf(statement)
  if (node === undefined) return
  if (node.type === 'VariableDeclaration' && (node.kind !== 'var' || isBody)) addVariables(node, names)
  else if (node.type === 'FunctionDeclaration' && node.id) {
    names.set(node.id.name, { kind: 'function', node, parent: node })
  } else if (node.type === 'ClassDeclaration' && node.id) {
    names.set(node.id.name, { kind: 'class', node, parent: node })
  } else if (node.type === 'ImportDeclaration') {
    for (const specifier of node.specifiers) {
      names.set(specifier.local.name, { kind: 'import', node: specifier, parent: node })
    }
  }
}

function declarationOf(statement: AnyNode): AnyNode | undefined {
  if (statement.type === 'ExportNamedDeclaration') return statement.declaration ?? undefined
  if (statement.type === 'ExportDefaultDeclaration') return statement.declaration
  if (statement.type === 'LabeledStatement') return declarationOf(statement.body)
  return statement
}

const isFunctionOrClass = (node: AnyNode): boolean =>
  node.type === 'FunctionDeclaration' ||
  node.type === 'FunctionExpression' ||
  node.type === 'ArrowFunctionExpression' ||
  (node as Class).type === 'ClassDeclaration' ||
  node.type === 'ClassExpression'

/** What a declarator gives a name, if that is plain to see. */
export const initOf = ({ node }: Pick<Declaration, 'node'>): AnyNode | undefined =>
  node.type === 'VariableDeclarator' ? (node.init ?? undefined) : undefined
