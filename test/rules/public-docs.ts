import type { ESTree } from 'rolldown/utils'
import { docCommentBefore, type DocComment } from './doc-comment.ts'
import { type Declaration, type PublicExport, PublicExports } from './public-exports.ts'

type Member = ESTree.ClassElement | ESTree.TSSignature
type Parameters = readonly ESTree.ParamPattern[]

/** Errors of the language, which a docstring may say are thrown. */
const builtInErrors = new Set([
  'Error',
  'TypeError',
  'RangeError',
  'SyntaxError',
  'AggregateError',
  'DOMException',
])

/** What the docstrings of all that the entries export lack, one line each. */
export function docFaults(root: string, entries: readonly string[]): string[] {
  const exports = entries.flatMap((entry) => new PublicExports(root).of(entry))
  const names = new Set(exports.map(({ name }) => name))
  const faults = exports.flatMap((one) => exportFaults(one, exports).map((fault) => `${one.file}: ${fault}`))
  const thrown = exports
    .flatMap((one) => docsOf(one))
    .flatMap(({ where, doc }) => throwsFaults(where, doc, names))
  return [...new Set([...faults, ...thrown])]
}

/** Every docstring of an export and its members, with its place for people. */
export function docsOf(one: PublicExport): { where: string; doc: DocComment }[] {
  const members = membersOf(one.declaration).map((member) => ({
    where: `${one.name}.${memberName(one.text, member)}`,
    doc: docCommentBefore(one.text, one.comments, member.start),
  }))
  return [{ where: one.name, doc: one.doc }, ...members].flatMap(({ where, doc }) =>
    doc === undefined ? [] : [{ where: `${one.file} ${where}`, doc }],
  )
}

function exportFaults(one: PublicExport, all: readonly PublicExport[]): string[] {
  const { name, declaration, doc } = one
  // Overloads may share one docstring and one example.
  const docs = all.filter((other) => other.name === name && other.file === one.file).map((other) => other.doc)
  const isShared = doc === undefined && docs.some((other) => other !== undefined)
  const faults = isShared ? [] : describeFaults(name, doc, parametersOf(declaration))
  const hasExample = docs.some((other) => other?.tags.some((tag) => tag.name === 'example'))
  if (needsExample(declaration) && !hasExample) faults.push(`${name} has no @example`)
  return [...faults, ...membersOf(declaration).flatMap((member) => memberFaults(one, member))]
}

function memberFaults(one: PublicExport, member: Member): string[] {
  const docOf = (other: Member): DocComment | undefined =>
    docCommentBefore(one.text, one.comments, other.start)
  const doc = docOf(member)
  const name = memberName(one.text, member)
  const isConstructor = member.type === 'MethodDefinition' && member.kind === 'constructor'
  // Nobody makes our errors; the constructor has to be there for the types.
  if (doc === undefined && isConstructor && isError(one.declaration)) return []
  const overloads = membersOf(one.declaration).filter((other) => memberName(one.text, other) === name)
  if (doc === undefined && overloads.some(docOf)) return []
  return describeFaults(`${one.name}.${name}`, doc, memberParameters(member))
}

function describeFaults(where: string, doc: DocComment | undefined, parameters: Parameters): string[] {
  if (doc === undefined) return [`${where} has no docstring`]
  const documented = doc.tags
    .filter((tag) => tag.name === 'param')
    .map((tag) => /^(\S+)\s*(?:-\s*)?(.*)$/s.exec(tag.text.trim()))
  const faults = doc.description === '' ? [`${where} has no description`] : []
  for (const [index, parameter] of parameters.entries()) {
    const name = parameterName(parameter)
    // A destructured parameter, or a rest that stands for several, has no name of its own: its place decides.
    const found = name === undefined ? documented[index] : documented.find((match) => match?.[1] === name)
    if (found == null) faults.push(`${where} has no @param ${name ?? `for parameter ${index + 1}`}`)
    else if ((found[2] ?? '').trim() === '') faults.push(`${where}: @param ${found[1]} says nothing`)
  }
  const known = new Set(parameters.map(parameterName))
  if (known.has(undefined)) return faults
  return [
    ...faults,
    ...documented
      .filter((match) => !known.has(match?.[1]))
      .map((match) => `${where} has no parameter ${match?.[1]}, but a @param`),
  ]
}

function throwsFaults(where: string, doc: DocComment, exported: ReadonlySet<string>): string[] {
  return doc.tags
    .filter((tag) => tag.name === 'throws')
    .flatMap(({ text }) => {
      const [, errors, when = ''] = /^\{(\w+(?: \| \w+)*)\}\s*(.*)$/s.exec(text.trim()) ?? []
      if (errors === undefined) return [`${where}: write "@throws {ErrorClass} when", not "@throws ${text}"`]
      const unknown = errors.split(' | ').find((error) => !exported.has(error) && !builtInErrors.has(error))
      if (unknown !== undefined) return [`${where}: @throws {${unknown}} is not exported`]
      return when === '' ? [`${where}: @throws {${errors}} doesn't say when`] : []
    })
}

function needsExample(declaration: Declaration): boolean {
  if (declaration.type === 'ClassDeclaration') return !isError(declaration)
  return declaration.type === 'TSDeclareFunction' || declaration.type === 'FunctionDeclaration'
}

function isError(declaration: Declaration): boolean {
  return declaration.type === 'ClassDeclaration' && (declaration.id?.name.endsWith('Error') ?? false)
}

function membersOf(declaration: Declaration): Member[] {
  if (declaration.type === 'TSInterfaceDeclaration') return declaration.body.body
  if (declaration.type !== 'ClassDeclaration') return []
  return declaration.body.body.filter((member) => {
    const isHidden =
      'accessibility' in member &&
      (member.accessibility === 'private' || member.accessibility === 'protected')
    return !isHidden && !('key' in member && member.key?.type === 'PrivateIdentifier')
  })
}

function memberName(text: string, member: Member): string {
  if (!('key' in member) || member.key === null)
    return text.slice(member.start, member.end).split('\n', 1)[0] ?? ''
  const key = text.slice(member.key.start, member.key.end)
  return 'computed' in member && member.computed ? `[${key}]` : key
}

/** What a well-known symbol's method is given, the language says. */
function memberParameters(member: Member): Parameters {
  if ('computed' in member && member.computed) return []
  if (member.type === 'TSMethodSignature') return member.params
  if (member.type !== 'MethodDefinition' && member.type !== 'TSAbstractMethodDefinition') return []
  return member.kind === 'set' ? [] : member.value.params
}

function parametersOf(declaration: Declaration): Parameters {
  return 'params' in declaration ? declaration.params : []
}

function parameterName(parameter: Parameters[number]): string | undefined {
  if (parameter.type === 'Identifier') return parameter.name
  if (parameter.type !== 'RestElement' || parameter.argument.type !== 'Identifier') return undefined
  return parameter.typeAnnotation?.typeAnnotation.type === 'TSArrayType' ? parameter.argument.name : undefined
}
