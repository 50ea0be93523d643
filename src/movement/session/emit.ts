import type { AnyNode, Node, VariableDeclaration } from 'acorn'
import { boundNames } from '../patterns.ts'
import type { TopLevel, TopStatement } from './declarations.ts'
import { captureValue, hasValue } from './completion.ts'
import type { Edits } from './edits.ts'
import type { ParsedSource } from './parse.ts'
import { hiddenNames } from './realm.ts'
import type { Unit } from './units.ts'

const directive = '"use strict";'

/** A source on its way to V8. */
export interface Emission {
  readonly source: ParsedSource
  readonly top: TopLevel
  readonly edits: Edits
  /** Names are properties of the global object; otherwise of an object that the code stands in by `with`. */
  readonly isGlobal: boolean
}

/** One script if that can do: it is fastest, and V8 gives the value. Otherwise a script for each statement. */
export function emit(emission: Emission): Unit[] {
  blankExports(emission)
  const { top, isGlobal } = emission
  if (isGlobal && !top.isAsync && canBeOne(emission)) return [emitWhole(emission)]
  const isFunction = ({ role }: TopStatement): boolean => role === 'function'
  const rest = top.statements.filter((statement) => !isFunction(statement) && hasEffect(statement))
  const last = rest.findLast(isValued)
  return [
    ...top.statements.filter(isFunction).map((statement) => emitFunction(emission, statement)),
    ...rest.map((statement) => emitStatement(emission, statement, statement === last)),
  ]
}

const hasEffect = ({ role }: TopStatement): boolean => role !== 'import' && role !== 'nothing'

/** Declarations have no value: that of the statement before them counts. */
const isValued = ({ role, node }: TopStatement): boolean =>
  role === 'default' || (role === 'other' && hasValue(node))

function blankExports({ top, edits }: Emission): void {
  for (const { node, outerStart, role } of top.statements) {
    if (role === 'nothing') edits.blank(node.start, node.end)
    else if (outerStart < node.start) edits.blank(outerStart, node.start)
  }
}

// ————— one script

/** Text can be put in front of a class only on the line of a statement before it, or before the whole source. */
function canBeOne({ top, source }: Emission): boolean {
  const { text } = source
  return top.statements.every(({ node, role, outerStart }, index) => {
    if (role === 'default') return false
    if (role !== 'class') return true
    const before = top.statements[index - 1]
    const startsLine = before === undefined || /[\n\r]/.test(text.slice(before.node.end, outerStart))
    return startsLine && /^[^\S\n]*(\/\/|\n|$)/.test(text.slice(node.end))
  })
}

function emitWhole({ top, source, edits }: Emission): Unit {
  let head = ''
  top.statements.forEach(({ node, role }, index) => {
    if (role === 'lexical') toVar(edits, node)
    if (role !== 'class') return
    const assignment = `var ${(node as { id: { name: string } }).id.name}=`
    const before = top.statements[index - 1]
    if (before === undefined) head = assignment
    else edits.insert(before.node.end, `;${assignment}`)
    edits.insert(node.end, ';')
  })
  const { text } = source
  const body = edits.slice(0, text.length)
  return { head, body, tail: '', start: 0, isAsync: false, isFunction: false, givesValue: true }
}

const keywordOf = (node: Node): string => (node as VariableDeclaration).kind

// ————— a script for each statement

/** What makes a part of a source a script that runs at once, or one that gives a function for the runtime to call. */
interface Wrapper {
  readonly head: string
  readonly tail: string
}

function asScript({ isGlobal, top }: Emission): Wrapper {
  if (isGlobal) return { head: top.isStrict ? directive : '', tail: '\n' }
  return { head: `with(${hiddenNames.holder}.current){`, tail: '\n}' }
}

/** `with` needs sloppy code around it; strict code goes into a function of its own. */
function asFunction(emission: Emission, isAsync: boolean): Wrapper {
  const { isGlobal, top } = emission
  const arrow = `(${isAsync ? 'async' : ''}(${hiddenNames.scope})=>`
  const { head, tail } = asScript(emission)
  if (isGlobal || !top.isStrict) return { head: head + arrow, tail: `)${tail}` }
  return { head: `${head}(()=>{${directive}return${arrow}`, tail: `)})()${tail}` }
}

function emitFunction(emission: Emission, { node }: TopStatement): Unit {
  const { edits, isGlobal } = emission
  const strict = !isGlobal && emission.top.isStrict
  const { head, tail } = strict ? asFunction(emission, false) : asScript(emission)
  const { id } = node as unknown as { id: { name: string; start: number; end: number } }
  // The name of a function expression is a constant inside it. If the function uses its name it means the slot.
  if (!isGlobal && usesName(emission.source.text.slice(id.end, node.end), id.name)) {
    edits.blank(id.start, id.end)
  }
  const assignment = isGlobal ? '' : `${id.name}=`
  const body = edits.slice(node.start, node.end)
  const base = { head: head + assignment, body, tail, start: node.start, isAsync: false, givesValue: false }
  return { ...base, isFunction: strict }
}

const usesName = (text: string, name: string): boolean =>
  text.includes(name) || text.includes('eval') || text.includes('\\u')

function emitStatement(emission: Emission, statement: TopStatement, isLast: boolean): Unit {
  const { node, role } = statement
  if (role === 'default' || role === 'class' || node.type === 'ExpressionStatement') {
    return emitExpression(emission, statement, isLast)
  }
  const { edits, isGlobal, top } = emission
  const { isAsync, variables, blockFunctions } = statement.facts
  const isScoped = !isGlobal && (role === 'lexical' || variables.length + blockFunctions.length > 0)
  const isFunction = isAsync || isScoped || (!isGlobal && top.isStrict)
  const base = { start: node.start, isAsync, givesValue: isLast, isFunction }
  if (!isFunction) {
    const { head, tail } = asScript(emission)
    if (role === 'lexical') toVar(edits, node)
    return { ...base, head, body: edits.slice(node.start, node.end), tail }
  }
  if (role === 'lexical' && (isGlobal || top.isStrict) && isSelfContained(emission, node)) {
    return { ...base, ...emitCopied(emission, node as VariableDeclaration, isAsync) }
  }
  // `var x = 1` inside `with` assigns to the object's `x`.
  const usesWith = !isGlobal && !top.isStrict
  if (!usesWith) rewriteVariables(emission, statement)
  else if (role === 'lexical') toVar(edits, node)
  if (isLast) captureValue(node, emission.source.text, edits)
  const { head, tail } = usesWith ? asSloppyFunction(isAsync) : asFunction(emission, isAsync)
  const { value, scope } = hiddenNames
  // Sloppy functions in blocks are variables of the function around them.
  const copies = top.isStrict ? [] : blockFunctions.map((name) => `if(${name})${scope}.${name}=${name};`)
  const before = `${head}{${isLast ? `let ${value};` : ''}${usesWith ? `with(${scope}){` : ''}`
  const after = `\n;${usesWith ? '}' : ''}${copies.join('')}${isLast ? `return ${value}` : ''}}${tail}`
  return { ...base, head: before, body: edits.slice(node.start, node.end), tail: after }
}

const asSloppyFunction = (isAsync: boolean): Wrapper => ({
  head: `(${isAsync ? 'async' : ''}(${hiddenNames.scope})=>`,
  tail: ')',
})

function emitExpression(emission: Emission, { node, role, facts }: TopStatement, isLast: boolean): Unit {
  const { edits, isGlobal, top } = emission
  const { isAsync } = facts
  const isFunction = isAsync || (!isGlobal && top.isStrict)
  const { head, tail } = isFunction ? asFunction(emission, isAsync) : asScript(emission)
  const base = { start: node.start, isAsync, givesValue: isLast, isFunction }
  const assignment = role === 'class' ? `${(node as { id: { name: string } }).id.name}=` : ''
  const body = edits.slice(node.start, endOfExpression(emission, node))
  if (!isFunction) {
    const isPlain = role !== 'default' || !/^(\{|function|class|async|let)/.test(body)
    if (isPlain) return { ...base, head: head + assignment, body, tail }
    return { ...base, head: `${head}(`, body, tail: `\n)${tail}` }
  }
  // V8 gives the place of what initialises a variable, but not of what is returned. A function would get its name.
  const { value } = hiddenNames
  if (assignment !== '' || /^(\(*)(function|class|async|\w+ *=>|\()/.test(body)) {
    return { ...base, head: `${head}(${assignment}`, body, tail: `\n)${tail}` }
  }
  const isSequence = node.type === 'ExpressionStatement' && node.expression.type === 'SequenceExpression'
  const [open, close] = isSequence ? ['(', ')'] : ['', '']
  return { ...base, head: `${head}{let ${value}=${open}`, body, tail: `\n${close};return ${value}}${tail}` }
}

const toVar = (edits: Edits, node: Node): void =>
  edits.replace(node.start, node.start + keywordOf(node).length, 'var')

function endOfExpression({ source }: Emission, node: AnyNode): number {
  if (node.type !== 'ExpressionStatement') return node.end
  return source.text[node.end - 1] === ';' ? node.end - 1 : node.end
}

/** Whether a declaration uses none of its own names, so that nobody can tell them from variables. */
function isSelfContained({ source }: Emission, node: AnyNode): boolean {
  const { declarations, kind } = node as VariableDeclaration
  // `var x` leaves the value that is there.
  if (kind === 'var' && declarations.some(({ init }) => init == null)) return false
  const text = source.text.slice(node.start, node.end)
  if (/\beval\b|\\u/.test(text)) return false
  return declarations
    .flatMap(({ id }) => boundNames(id))
    .every(
      (name) =>
        text.split(new RegExp(String.raw`(?<![\w$])${name.replaceAll('$', String.raw`\$`)}(?![\w$])`))
          .length === 2,
    )
}

/** The declaration as it is, in a function, and its values copied to the slots: V8 tells places best so. */
function emitCopied(
  emission: Emission,
  node: VariableDeclaration,
  isAsync: boolean,
): Pick<Unit, 'head' | 'body' | 'tail'> {
  const { head, tail } = asFunction(emission, isAsync)
  const names = node.declarations.flatMap(({ id }) => boundNames(id))
  const copies = names.map((name) => `${hiddenNames.scope}.${name}=${name};`)
  const body = emission.edits.slice(node.start, node.end)
  return { head: `${head}{`, body, tail: `\n;${copies.join('')}}${tail}` }
}

/** Declarations become assignments to the slots: `let {a} = f()` is `0,  {a} = f()`, of the same width. */
function rewriteVariables(emission: Emission, { node, role, facts }: TopStatement): void {
  if (role === 'lexical' && keywordOf(node) !== 'var') toAssignment(emission, node as VariableDeclaration)
  for (const { node: variable, isLoopHead } of facts.variables) {
    if (isLoopHead) emission.edits.blank(variable.start, variable.start + 'var'.length)
    else toAssignment(emission, variable)
  }
}

function toAssignment({ source, edits }: Emission, node: VariableDeclaration): void {
  edits.replace(node.start, node.start + node.kind.length, '0,')
  // `var x` at a line's end was ended by the next line's beginning; the expression `x` would go on there.
  const isOpen = node.declarations.at(-1)?.init == null && source.text[node.end - 1] !== ';'
  if (isOpen && /^[^\S\n]*(\/\/|\n)/.test(source.text.slice(node.end))) edits.insert(node.end, ';')
}
