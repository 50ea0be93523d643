import { existsSync } from 'node:fs'
import type { AnyNode } from 'acorn'
import { pathToFileURL } from 'node:url'
import { CaptureError } from '../errors/data-errors.ts'
import { describeValue } from './describe-value.ts'
import type { AnyFunction } from './function-source.ts'
import { moduleUrl } from './live/module-url.ts'
import { internalsOf } from './live/inspector.ts'
import { scriptOf } from './live/scripts.ts'
import { parseFunction } from './syntax.ts'

/** What `() => import('./tasks.js')` says. */
export interface ImportArrow {
  readonly specifier: string
  /** URL of the file that it stands in. */
  readonly from: string
}

const remedy = "Write `load('./tasks.js', { from: import.meta.url })`"

/**
 * Reads which module a function would import, and from where; it is not called.
 * @throws {TypeError} if it does anything but import one module by a literal name
 * @throws {CaptureError} if it can't be found out in which file it stands
 */
export function readImportArrow(fn: AnyFunction): ImportArrow {
  const text = Function.prototype.toString.call(fn)
  const specifier = specifierIn(text)
  if (specifier === undefined) {
    const what = text.length > 80 ? `${text.slice(0, 80)}…` : text
    throw new TypeError(
      `Expected the function to be no more than \`() => import('./tasks.js')\`, got \`${what}\`. ` +
        `A bundler may have put the module in its place. ${remedy}.`,
    )
  }
  return fromVite(specifier, fileOf(fn))
}

function fileOf(fn: AnyFunction): string {
  const internals = internalsOf(fn)
  const url = internals?.place && scriptOf(internals.place.scriptId)?.url
  const file = url === undefined ? undefined : moduleUrl(url)
  if (file !== undefined) return file
  const why =
    internals === undefined
      ? 'this process may not use its inspector (as under `--permission`), so it can not be found in which file it stands'
      : `it stands in no file (${describeValue(url)})`
  throw new CaptureError({ path: 'load', why, hint: remedy })
}

/** Vite writes paths from its root, and says so when they are not. */
function fromVite(specifier: string, from: string): ImportArrow {
  const path = specifier.replace(/[?#].*$/, '')
  if (path.startsWith('/@fs/')) return { specifier: pathToFileURL(path.slice('/@fs'.length)).href, from }
  if (!path.startsWith('/') || existsSync(path)) return { specifier, from }
  const below = process.cwd() + path
  return { specifier: existsSync(below) ? pathToFileURL(below).href : specifier, from }
}

function specifierIn(text: string): string | undefined {
  try {
    const { node } = parseFunction(text, true)
    return node.type === 'ClassExpression' ? undefined : importedBy(node as AnyNode, true)
  } catch {
    return undefined
  }
}

/** The module that a function of no arguments imports and gives, as it is written or as compilers write it. */
function importedBy(node: AnyNode, isOuter: boolean): string | undefined {
  if (node.type !== 'ArrowFunctionExpression' && node.type !== 'FunctionExpression') return undefined
  if (isOuter && (node.params.length > 0 || node.generator)) return undefined
  const value = returned(node.body)
  if (value === undefined) return undefined
  return isOuter ? imported(value) : required(value)
}

/** What a body returns; what counts its runs for a report of coverage may stand before it. */
function returned(body: AnyNode): AnyNode | undefined {
  if (body.type !== 'BlockStatement') return body
  const statements: readonly AnyNode[] = body.body
  const last = statements.at(-1)
  const isCounting = (one: AnyNode): boolean =>
    one.type === 'ExpressionStatement' && one.expression.type === 'UpdateExpression'
  if (last?.type !== 'ReturnStatement' || !statements.slice(0, -1).every(isCounting)) return undefined
  return last.argument ?? undefined
}

function imported(node: AnyNode): string | undefined {
  if (node.type === 'AwaitExpression') return imported(node.argument)
  if (node.type === 'SequenceExpression') return imported(node.expressions.at(-1)!)
  if (node.type === 'ImportExpression') return node.options == null ? literal(node.source) : undefined
  if (node.type !== 'CallExpression') return undefined
  const { callee } = node
  const [first] = node.arguments as AnyNode[]
  if (callee.type === 'Identifier')
    return callee.name === '__vite_ssr_dynamic_import__' && first !== undefined ? literal(first) : undefined
  if (callee.type !== 'MemberExpression' || memberName(callee) !== 'then' || first === undefined)
    return undefined
  const before = callee.object as AnyNode
  // `Promise.resolve().then(() => __importStar(require('./tasks.js')))`: an import, compiled to CommonJS.
  if (isPromiseResolve(before)) return importedBy(first, false)
  // `import('./tasks.js').then(…)` of tsx, which looks for a module that was CommonJS once.
  return isInterop(first) ? imported(before) : undefined
}

const memberName = (node: AnyNode): string | undefined =>
  node.type === 'MemberExpression' && !node.computed && node.property.type === 'Identifier'
    ? node.property.name
    : undefined

function isPromiseResolve(node: AnyNode): boolean {
  if (node.type !== 'CallExpression' || memberName(node.callee) !== 'resolve') return false
  const { object } = node.callee as Extract<AnyNode, { type: 'MemberExpression' }>
  return object.type === 'Identifier' && object.name === 'Promise'
}

const wildcard = /(?:toESM|importStar|interop_?require_?wildcard)$/i

function required(node: AnyNode): string | undefined {
  if (node.type === 'SequenceExpression') return required(node.expressions.at(-1)!)
  if (node.type !== 'CallExpression') return undefined
  const [first] = node.arguments as AnyNode[]
  if (first === undefined) return undefined
  const name = node.callee.type === 'Identifier' ? node.callee.name : memberName(node.callee)
  if (name === 'require') return literal(first)
  return name !== undefined && wildcard.test(name) ? required(first) : undefined
}

/** Whether a function only picks what is behind the `default` of a module that has `__esModule`. */
function isInterop(node: AnyNode): boolean {
  if (node.type !== 'ArrowFunctionExpression' || node.body.type !== 'BlockStatement') return false
  const last = node.body.body.at(-1)
  if (last?.type !== 'ReturnStatement' || last.argument?.type !== 'ConditionalExpression') return false
  const { test, alternate } = last.argument
  const [parameter] = node.params
  return (
    test.type === 'LogicalExpression' &&
    test.right.type === 'BinaryExpression' &&
    test.right.operator === 'in' &&
    literal(test.right.left) === '__esModule' &&
    parameter?.type === 'Identifier' &&
    alternate.type === 'Identifier' &&
    alternate.name === parameter.name
  )
}

function literal(node: AnyNode): string | undefined {
  if (node.type === 'Literal') return typeof node.value === 'string' ? node.value : undefined
  if (node.type !== 'TemplateLiteral' || node.expressions.length > 0) return undefined
  return node.quasis[0]?.value.cooked ?? undefined
}
