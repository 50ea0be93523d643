import type { TopLevel } from './declarations.ts'
import { readTopLevel } from './declarations.ts'
import { Edits } from './edits.ts'
import { emit } from './emit.ts'
import { EvaluateSyntaxError } from './evaluate-syntax-error.ts'
import { freeWrites, type FreeWrite, writeForms } from './free-writes.ts'
import { lineOf, type ParsedSource, parseSource, placeAt, syntaxErrorOf } from './parse.ts'
import { constantAsLongAs } from './realm.ts'
import type { Slots } from './slots.ts'
import { type CompiledUnit, compileUnit } from './units.ts'

/** A source that is ready to run: it compiles, and nothing has been declared yet. */
export interface Prepared {
  readonly source: ParsedSource
  readonly top: TopLevel
  readonly units: readonly CompiledUnit[]
  /** Names that sloppy code assigns to and nobody declares. */
  readonly implicitNames: readonly string[]
}

/** @throws {EvaluateSyntaxError} if the source can't be compiled */
export function prepare(text: string, filename: string, slots: Slots): Prepared {
  const source = parseSource(text, filename)
  try {
    const top = readTopLevel(source.program)
    checkDeclarations(top, source, slots)
    const writes = freeWrites(source.program, top.isStrict)
    const edits = new Edits(source.text)
    keepConstants(writes, { source, top, edits, slots })
    const emission = { source, top, edits, isGlobal: slots.isGlobal }
    const units = emit(emission).map((unit) => compileUnit(unit, source))
    const implicitNames = top.isStrict ? [] : undeclared(writes, top, slots)
    return { source, top, units, implicitNames }
  } catch (error) {
    throw error instanceof RangeError ? syntaxErrorOf(error, text, filename) : error
  }
}

function undeclared(writes: readonly FreeWrite[], { names }: TopLevel, slots: Slots): string[] {
  const free = writes.map(({ name }) => name).filter((name) => !names.has(name) && !slots.sees(name))
  return [...new Set(free)]
}

function checkDeclarations({ names, statements }: TopLevel, source: ParsedSource, slots: Slots): void {
  const { text, shift, filename } = source
  const refuse = (what: string, start: number): never => {
    const { line, column } = placeAt(text, start)
    const place = { filename, line, column: line === 1 ? column - shift : column }
    throw new EvaluateSyntaxError(what, place, lineOf(text, line))
  }
  for (const { node } of statements) {
    if (node.type === 'VariableDeclaration' && node.kind.endsWith('using')) {
      refuse('`using` at the top level never ends: put it in a block', node.start)
    }
    if (node.type === 'ExportAllDeclaration' || (node.type === 'ExportNamedDeclaration' && node.source)) {
      refuse('An evaluation has no exports: import the names instead', node.start)
    }
  }
  for (const [name, { kind, start }] of names) {
    if (kind !== 'var' && !slots.canDeclare(name)) {
      refuse(`Identifier '${name}' has already been declared`, start)
    }
  }
}

interface Place {
  readonly source: ParsedSource
  readonly top: TopLevel
  readonly edits: Edits
  readonly slots: Slots
}

/** Assignments to constants throw where they stand: their targets are replaced by real constants. */
function keepConstants(writes: readonly FreeWrite[], { source, top, edits, slots }: Place): void {
  const isConstant = (name: string): boolean => {
    const kind = top.names.get(name)?.kind ?? (slots.has(name) ? slots.kindOf(name) : undefined)
    return kind === 'const' || kind === 'import'
  }
  const faults = writes.filter(({ name }) => isConstant(name))
  if (faults.length === 0) return
  const forms = writeForms(source.program, new Set(faults.map(({ start }) => start)))
  for (const { name, start } of faults) {
    const { operator, isShorthand } = forms.get(start) ?? { operator: '=', isShorthand: false }
    // `&&=`, `||=` and `??=` may have nothing to assign; of a constant of this very source we don't know.
    const isLogical = operator.length === 3 && /^(&&|\|\||\?\?)/.test(operator)
    if (isLogical && (top.names.has(name) || !assigns(operator, slots.target[name]))) continue
    const constant = constantAsLongAs(name, operator === '&&=')
    if (isShorthand) edits.insert(start + name.length, `:${constant}`)
    else edits.replace(start, start + name.length, constant)
  }
}

function assigns(operator: string, value: unknown): boolean {
  if (operator === '??=') return value == null
  return operator === '||=' ? !value : Boolean(value)
}
