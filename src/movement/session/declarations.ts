import type { AnyNode, Declaration, ImportDeclaration, ModuleDeclaration, Program, Statement } from 'acorn'
import { boundNames } from '../patterns.ts'
import { scanStatement, type StatementFacts } from './scan.ts'

export type NameKind = 'let' | 'const' | 'var' | 'function' | 'class' | 'import'

/** A statement of the top level, without the `export` in front of it. */
export interface TopStatement {
  readonly node: Statement | Declaration | AnyNode
  /** Where it begins with its `export`. */
  readonly outerStart: number
  readonly role: 'function' | 'class' | 'lexical' | 'import' | 'nothing' | 'default' | 'other'
  readonly facts: StatementFacts
}

/** What the top level of a source is made of. */
export interface TopLevel {
  readonly statements: readonly TopStatement[]
  readonly imports: readonly ImportDeclaration[]
  /** Every name it declares; the last declaration counts. */
  readonly names: ReadonlyMap<string, { readonly kind: NameKind; readonly start: number }>
  /** Names of `let x` without a value: they are undefined again. */
  readonly uninitialised: readonly string[]
  readonly isStrict: boolean
  readonly isAsync: boolean
}

export function readTopLevel(program: Program): TopLevel {
  const statements = program.body.map(topStatement)
  const names = new Map<string, { kind: NameKind; start: number }>()
  const uninitialised: string[] = []
  const isStrict = isStrictProgram(program)
  for (const { node, role, facts } of statements) {
    if (!isStrict) {
      for (const name of facts.blockFunctions) names.set(name, { kind: 'function', start: node.start })
    }
    for (const { node: variable } of facts.variables) {
      for (const { id, start } of variable.declarations) {
        for (const name of boundNames(id)) names.set(name, { kind: 'var', start })
      }
    }
    if (role === 'function' || role === 'class') {
      names.set((node as { id: { name: string } }).id.name, { kind: role, start: node.start })
    }
    if (node.type === 'VariableDeclaration' && node.kind !== 'var') {
      const kind = node.kind === 'let' ? 'let' : 'const'
      for (const { id, init, start } of node.declarations) {
        for (const name of boundNames(id)) names.set(name, { kind, start })
        if (init == null) uninitialised.push(...boundNames(id))
      }
    }
    if (node.type === 'ImportDeclaration') {
      for (const { local, start } of node.specifiers) names.set(local.name, { kind: 'import', start })
    }
  }
  const imports = statements.flatMap(({ node }) => (node.type === 'ImportDeclaration' ? [node] : []))
  const isAsync = imports.length > 0 || statements.some(({ facts }) => facts.isAsync)
  return { statements, imports, names, uninitialised, isStrict, isAsync }
}

function topStatement(outer: Statement | ModuleDeclaration): TopStatement {
  const node = withoutExport(outer)
  const facts = scanStatement(node)
  return { node, outerStart: outer.start, role: roleOf(node, outer), facts }
}

function withoutExport(outer: Statement | ModuleDeclaration): AnyNode {
  if (outer.type === 'ExportNamedDeclaration') return outer.declaration ?? outer
  if (outer.type === 'ExportDefaultDeclaration') return outer.declaration
  return outer
}

function roleOf(node: AnyNode, outer: AnyNode): TopStatement['role'] {
  if (node.type === 'FunctionDeclaration') return node.id ? 'function' : 'default'
  if (node.type === 'ClassDeclaration') return node.id ? 'class' : 'default'
  if (outer.type === 'ExportDefaultDeclaration') return 'default'
  if (node.type === 'VariableDeclaration') return 'lexical'
  if (node.type === 'ImportDeclaration') return 'import'
  if (node.type === 'EmptyStatement' || node.type === 'ExportNamedDeclaration') return 'nothing'
  return 'other'
}

function isStrictProgram({ body }: Program): boolean {
  for (const node of body) {
    if (node.type !== 'ExpressionStatement' || node.directive == null) return false
    if (node.directive === 'use strict') return true
  }
  return false
}
