import type { AnyNode, Class, Function as FunctionNode, Node, Statement } from 'acorn'
import type { Findings } from './findings.ts'
import { boundNames, visitPattern } from './patterns.ts'
import { functionFrame, outsideFrame, Scope } from './scope.ts'

type NodeOf<Type extends AnyNode['type']> = Extract<AnyNode, { type: Type }>
type Visitors = { [Type in AnyNode['type']]?: (walk: Walk, node: NodeOf<Type>, scope: Scope) => void }

/** Walks `root`, a function or class, as code that stands in nothing but the global scope. */
export function walkRoot(root: Node, isStrict: boolean, findings: Findings): void {
  const isClass = root.type === 'ClassExpression'
  new Walk(root, findings).visit(root, new Scope('outside', undefined, outsideFrame(isClass), isStrict))
}

/** One pass over a syntax tree: declares names in scopes and reports what is referred to. */
class Walk {
  readonly findings: Findings
  readonly #root: Node

  constructor(root: Node, findings: Findings) {
    this.#root = root
    this.findings = findings
  }

  readonly visit = (node: Node | null | undefined, scope: Scope): void => {
    if (node === null || node === undefined) return
    const visitor = visitors[node.type as AnyNode['type']] as
      | ((walk: Walk, node: Node, scope: Scope) => void)
      | undefined
    if (visitor !== undefined) visitor(this, node, scope)
    else this.children(node, scope)
  }

  /** Visits whatever nodes `node` holds, in their order. */
  children(node: Node, scope: Scope): void {
    for (const value of Object.values(node) as unknown[]) {
      if (Array.isArray(value)) for (const item of value) this.visit(item as Node | null, scope)
      else if (isNode(value)) this.visit(value, scope)
    }
  }

  /** Statements of a block or body; `isBody` if `var` of this place lands in `scope` itself. */
  statements(list: readonly Node[], scope: Scope, isBody: boolean): void {
    for (const statement of list) declareLexical(statement as Statement, scope, isBody)
    for (const statement of list) this.visit(statement, scope)
  }

  /** A statement that may be a lone function declaration, as sloppy code allows after `if (…)`. */
  branch(node: Node | null | undefined, scope: Scope): void {
    if (node?.type === 'FunctionDeclaration') this.statements([node], scope.inner('block'), false)
    else this.visit(node, scope)
  }

  binding(pattern: Node | null, scope: Scope): void {
    visitPattern(pattern, scope, this.visit, () => {})
  }

  /** The left side of an assignment: identifiers are written, members are walked. */
  target(pattern: Node, scope: Scope): void {
    visitPattern(pattern, scope, this.visit, (leaf, at) => {
      if (leaf.type !== 'Identifier') this.visit(leaf, at)
      else this.findings.refer((leaf as NodeOf<'Identifier'>).name, leaf.start, at, 'write')
    })
  }

  function(node: FunctionNode, scope: Scope, isMethod: boolean, isEager = scope.frame.isEager): void {
    let outer = scope
    if (node.type === 'FunctionExpression' && node.id) {
      outer = scope.inner('function-name')
      outer.declare(node.id.name)
    }
    const isArrow = node.type === 'ArrowFunctionExpression'
    const frame = isArrow ? scope.frame : functionFrame(isMethod && node !== this.#root, isEager)
    const parameters = new Scope('parameters', outer, frame, scope.isStrict || isDeclaredStrict(node))
    for (const parameter of node.params) {
      for (const name of boundNames(parameter)) parameters.declare(name)
    }
    for (const parameter of node.params) this.binding(parameter, parameters)
    const body = parameters.inner('function')
    if (node.body.type === 'BlockStatement') this.statements(node.body.body, body, true)
    else this.visit(node.body, body)
  }

  class(node: Class, scope: Scope): void {
    const inner = new Scope('class', scope, scope.frame, true)
    if (node.id) inner.declare(node.id.name)
    for (const member of node.body.body) {
      if (member.type !== 'StaticBlock' && member.key.type === 'PrivateIdentifier') {
        inner.declarePrivate(member.key.name)
      }
    }
    this.visit(node.superClass, inner)
    for (const member of node.body.body) this.#member(member, inner, (node as Node) === this.#root)
  }

  #member(member: Class['body']['body'][number], scope: Scope, isOfRoot: boolean): void {
    if (member.type !== 'StaticBlock' && member.computed) this.visit(member.key, scope)
    const isEager = scope.frame.isEager && !isOfRoot
    if (member.type === 'MethodDefinition') {
      this.function(member.value, scope, true, isEager)
      return
    }
    const runsAtDefinition = member.type === 'StaticBlock' || member.static
    const frame = functionFrame(true, runsAtDefinition ? scope.frame.isEager : isEager)
    const inner = new Scope('function', scope, frame, true)
    if (member.type === 'StaticBlock') this.statements(member.body, inner, true)
    else this.visit(member.value, inner)
  }

  loop(node: NodeOf<'ForInStatement' | 'ForOfStatement'>, scope: Scope): void {
    const inner = scope.inner('block')
    if (node.left.type === 'VariableDeclaration') {
      declareLexical(node.left, inner, false)
      this.visit(node.left, inner)
    } else {
      this.target(node.left, inner)
    }
    this.visit(node.right, inner)
    this.branch(node.body, inner)
  }

  switch(node: NodeOf<'SwitchStatement'>, scope: Scope): void {
    this.visit(node.discriminant, scope)
    const inner = scope.inner('block')
    for (const { consequent } of node.cases) {
      for (const statement of consequent) declareLexical(statement, inner, false)
    }
    for (const { test, consequent } of node.cases) {
      this.visit(test, inner)
      for (const statement of consequent) this.visit(statement, inner)
    }
  }
}

const visitors: Visitors = {
  Identifier: (walk, node, scope) => walk.findings.refer(node.name, node.start, scope, 'read'),
  PrivateIdentifier: (walk, node, scope) => walk.findings.referPrivate(node.name, scope),
  ThisExpression: ({ findings }, _node, scope) => (findings.usesThis ||= !scope.frame.bindsThis),
  Super: ({ findings }, _node, scope) => (findings.usesSuper ||= !scope.frame.bindsSuper),
  MetaProperty({ findings }, node, scope) {
    if (node.meta.name === 'import') findings.hasImportMeta = true
    else findings.usesNewTarget ||= !scope.frame.bindsNewTarget
  },
  ImportExpression(walk, node, scope) {
    const specifier = constantText(node.source)
    if (specifier === undefined) walk.findings.hasComputedImport = true
    else walk.findings.importSpecifiers.add(specifier)
    walk.children(node, scope)
  },

  FunctionDeclaration: (walk, node, scope) => walk.function(node, scope, false),
  FunctionExpression: (walk, node, scope) => walk.function(node, scope, false),
  ArrowFunctionExpression: (walk, node, scope) => walk.function(node, scope, false),
  ClassDeclaration: (walk, node, scope) => walk.class(node, scope),
  ClassExpression: (walk, node, scope) => walk.class(node, scope),
  VariableDeclaration(walk, node, scope) {
    for (const { id, init } of node.declarations) {
      if (node.kind === 'var') for (const name of boundNames(id)) scope.declareVar(name)
      walk.binding(id, scope)
      walk.visit(init, scope)
    }
  },

  BlockStatement: (walk, node, scope) => walk.statements(node.body, scope.inner('block'), false),
  IfStatement(walk, node, scope) {
    walk.visit(node.test, scope)
    walk.branch(node.consequent, scope)
    walk.branch(node.alternate, scope)
  },
  ForStatement(walk, node, scope) {
    const inner = scope.inner('block')
    if (node.init?.type === 'VariableDeclaration') declareLexical(node.init, inner, false)
    for (const part of [node.init, node.test, node.update, node.body]) walk.visit(part, inner)
  },
  ForInStatement: (walk, node, scope) => walk.loop(node, scope),
  ForOfStatement: (walk, node, scope) => walk.loop(node, scope),
  SwitchStatement: (walk, node, scope) => walk.switch(node, scope),
  CatchClause(walk, node, scope) {
    const inner = scope.inner('catch')
    if (node.param) {
      for (const name of boundNames(node.param)) inner.declare(name)
      walk.binding(node.param, inner)
    }
    walk.visit(node.body, inner)
  },
  WithStatement(walk, node, scope) {
    walk.findings.hasWith = true
    walk.children(node, scope)
  },
  LabeledStatement: (walk, node, scope) => walk.visit(node.body, scope),
  BreakStatement() {},
  ContinueStatement() {},

  MemberExpression(walk, node, scope) {
    walk.visit(node.object, scope)
    if (node.computed || node.property.type === 'PrivateIdentifier') walk.visit(node.property, scope)
  },
  Property(walk, node, scope) {
    if (node.computed) walk.visit(node.key, scope)
    const isMethod = node.kind !== 'init' || ('method' in node && node.method)
    if (isMethod) walk.function(node.value as unknown as FunctionNode, scope, true)
    else walk.visit(node.value, scope)
  },
  AssignmentExpression(walk, node, scope) {
    if (node.operator !== '=' && node.left.type === 'Identifier') walk.visit(node.left, scope)
    walk.target(node.left, scope)
    walk.visit(node.right, scope)
  },
  UpdateExpression(walk, node, scope) {
    walk.visit(node.argument, scope)
    if (node.argument.type === 'Identifier') walk.target(node.argument, scope)
  },
  UnaryExpression(walk, node, scope) {
    if (node.operator !== 'typeof' || node.argument.type !== 'Identifier') walk.visit(node.argument, scope)
    else walk.findings.refer(node.argument.name, node.argument.start, scope, 'typeof')
  },
  CallExpression(walk, node, scope) {
    const { callee } = node
    const isEval = callee.type === 'Identifier' && callee.name === 'eval' && !node.optional
    if (isEval) walk.findings.refer('eval', callee.start, scope, 'eval-call')
    if (callee.type === 'Identifier' && callee.name === 'require')
      addRequired(walk.findings, node.arguments[0])
    walk.children(node, scope)
  },
}

/** Declares what a statement makes visible in its whole block. */
function declareLexical(
  statement: Statement | NodeOf<'VariableDeclaration'>,
  scope: Scope,
  isBody: boolean,
): void {
  let node: Node = statement
  while (node.type === 'LabeledStatement') node = (node as NodeOf<'LabeledStatement'>).body
  const declaration = node as AnyNode
  if (declaration.type === 'VariableDeclaration') {
    if (declaration.kind === 'var') return
    for (const { id } of declaration.declarations) for (const name of boundNames(id)) scope.declare(name)
  } else if (declaration.type === 'ClassDeclaration') {
    if (declaration.id) scope.declare(declaration.id.name)
  } else if (declaration.type === 'FunctionDeclaration' && declaration.id) {
    if (isBody) scope.declare(declaration.id.name)
    else scope.declareBlockFunction(declaration.id.name, !declaration.async && !declaration.generator)
  }
}

function isDeclaredStrict({ body }: FunctionNode): boolean {
  if (body.type !== 'BlockStatement') return false
  return body.body.some((node) => node.type === 'ExpressionStatement' && node.directive === 'use strict')
}

function addRequired(findings: Findings, source: Node | undefined): void {
  const specifier = source && constantText(source)
  if (specifier !== undefined) findings.requireSpecifiers.add(specifier)
}

/** The text of a string or of a template without expressions. */
function constantText(node: Node): string | undefined {
  const source = node as AnyNode
  if (source.type === 'Literal') return typeof source.value === 'string' ? source.value : undefined
  if (source.type !== 'TemplateLiteral' || source.expressions.length > 0) return undefined
  return source.quasis[0]?.value.cooked ?? undefined
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'
