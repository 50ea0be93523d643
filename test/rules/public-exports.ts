import { existsSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import type { ESTree } from 'rolldown/utils'
import { docCommentBefore, type DocComment } from './doc-comment.ts'
import { type Parsed, parseSource } from './source-files.ts'

type Statement = ESTree.Program['body'][number]
export type Declaration = ESTree.Declaration

/** Something that an entry exports, where it is declared. */
export interface PublicExport {
  readonly name: string
  readonly file: string
  readonly text: string
  readonly comments: Parsed['comments']
  readonly declaration: Declaration
  readonly doc: DocComment | undefined
}

interface DeclarationFile {
  readonly path: string
  readonly text: string
  readonly parsed: Parsed
}

/** Reads declaration files and follows their exports to where things are declared. */
export class PublicExports {
  readonly #root: string
  readonly #files = new Map<string, DeclarationFile>()

  constructor(root: string) {
    this.#root = root
  }

  /** All that `entry` exports, by name; of overloads every one. */
  of(entry: string): PublicExport[] {
    return this.#namesOf(entry).flatMap(([name, file, localName]) =>
      this.#declarations(name, file, localName),
    )
  }

  /** Exported name, file and local name there of each export; those of other packages are not ours. */
  #namesOf(path: string): [name: string, file: string, localName: string][] {
    return this.#statements(path).flatMap((statement): [string, string, string][] => {
      if (statement.type === 'ExportAllDeclaration') {
        const target = targetOf(path, statement.source.value)
        return target === undefined ? [] : this.#namesOf(target)
      }
      if (statement.type !== 'ExportNamedDeclaration') return []
      if (statement.declaration !== null) {
        return namesOf(statement.declaration).map((name) => [name, path, name])
      }
      const source = statement.source === null ? path : targetOf(path, statement.source.value)
      if (source === undefined) return []
      return statement.specifiers.map(({ local, exported }) => [nameOf(exported), source, nameOf(local)])
    })
  }

  #declarations(name: string, path: string, localName: string): PublicExport[] {
    const { text, parsed } = this.#file(path)
    const found = this.#statements(path).flatMap((statement) => {
      const declaration = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement
      if (declaration === null || !namesOf(declaration).includes(localName)) return []
      const doc = docCommentBefore(text, parsed.comments, statement.start)
      return [
        { name, file: path, text, comments: parsed.comments, declaration: declaration as Declaration, doc },
      ]
    })
    if (found.length > 0) return found
    const origin = this.#origin(path, localName)
    if (origin === undefined) throw new Error(`${path}: where is ${localName} declared?`)
    return this.#declarations(name, ...origin)
  }

  /** Where a name comes from that a file only hands on. */
  #origin(path: string, localName: string): [path: string, localName: string] | undefined {
    for (const statement of this.#statements(path)) {
      if (statement.type === 'ImportDeclaration') {
        const specifier = statement.specifiers.find(({ local }) => local.name === localName)
        const target = targetOf(path, statement.source.value)
        if (specifier?.type === 'ImportSpecifier' && target !== undefined)
          return [target, nameOf(specifier.imported)]
      }
    }
    const handedOn = this.#namesOf(path).find(
      ([name, file, origin]) => name === localName && (file !== path || origin !== localName),
    )
    return handedOn === undefined ? undefined : [handedOn[1], handedOn[2]]
  }

  #statements(path: string): readonly Statement[] {
    return this.#file(path).parsed.program.body
  }

  #file(path: string): DeclarationFile {
    const known = this.#files.get(path)
    if (known !== undefined) return known
    const onDisk = posix.join(this.#root, path)
    if (!existsSync(onDisk)) throw new Error(`${path} is not there: has the package been built?`)
    const text = readFileSync(onDisk, 'utf8')
    const file = { path, text, parsed: parseSource({ path, text }) }
    this.#files.set(path, file)
    return file
  }
}

function targetOf(path: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined
  return posix.join(posix.dirname(path), specifier).replace(/\.[jt]s$/, '.d.ts')
}

function namesOf(declaration: Statement): string[] {
  if (declaration.type === 'VariableDeclaration') {
    return declaration.declarations.flatMap(({ id }) => (id.type === 'Identifier' ? [id.name] : []))
  }
  if (!('id' in declaration) || declaration.id === null) return []
  return declaration.id.type === 'Identifier' ? [declaration.id.name] : []
}

function nameOf(node: { type: string; name?: string; value?: string }): string {
  return node.name ?? node.value ?? ''
}
