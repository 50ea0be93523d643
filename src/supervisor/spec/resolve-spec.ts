import { availableParallelism } from 'node:os'

import {
  aFunction,
  anArray,
  anObject,
  boolean,
  countOrInfinity,
  delayMs,
  delayOrNeverMs,
  either,
  oneOf,
  type OptionCheck,
  text,
} from '../../actors/option-checks.ts'
import type { WorkerOptions } from '../../actors/worker-options.ts'
import { SpecError } from '../../errors/supervision-errors.ts'
import type { Backoff } from '../decision/backoff.ts'
import type { DeathRules } from '../decision/decide.ts'
import type { PoolOptions } from '../pool/pool-options.ts'
import type { ChildKind } from '../tree/child-run.ts'
import { checkFields, invalid } from './spec-checks.ts'
import type { BackoffOptions, ChildSpec, RestartType, SupervisorSpec } from './supervisor-spec.ts'

/** A child spec that was checked, with every default filled in. */
export interface ResolvedChild {
  readonly id: string
  readonly kind: ChildKind
  readonly restart: RestartType
  readonly shutdownMs: number
  readonly significant: boolean
  /**
   * The lives of this child so far, whether it was stopped on purpose, and whether its spec was deleted: all of it outlives
   * the supervisor's own life.
   */
  readonly lives: { count: number; isStopped: boolean; isDeleted?: boolean }
}

/** A supervisor spec that was checked, with every default filled in. */
export interface ResolvedSpec extends DeathRules {
  readonly name: string | undefined
  readonly periodMs: number
  readonly maxChildren: number
  readonly maxConcurrentBoots: number
  readonly parallelStart: boolean
  readonly resurrect: boolean
  readonly coalesce: boolean
  readonly children: readonly ResolvedChild[]
}

/**
 * Makes what is behind a child spec. What it throws for wrong options becomes the cause of a SpecError.
 * Its `spec` has been checked as far as it is not about the kind itself.
 */
export interface ChildKinds {
  worker(options: WorkerOptions, spec: ChildSpec): ChildKind
  pool(options: PoolOptions, spec: ChildSpec): ChildKind
  supervisor(spec: ResolvedSpec, id: string): ChildKind
}

const unless = (holds: boolean, expected: string): string | undefined => (holds ? undefined : expected)

/** A place in the tree is names with slashes between them. */
const placeName: OptionCheck = (value) =>
  text(value) ??
  unless(
    /^[^/\p{Cc}]{1,200}$/u.test(value as string),
    'at most 200 characters without a slash or control characters',
  )
const maxRestarts: OptionCheck = (value) =>
  unless(
    Number.isSafeInteger(value) && (value as number) >= 0,
    'an integer of at least 0; a supervisor that never gives up would hide what is broken',
  )
const delayOrZeroMs: OptionCheck = (value) =>
  value === 0 ? undefined : unless(delayMs(value) === undefined, `0 or ${delayMs(value)}`)
const factor: OptionCheck = (value) =>
  unless(typeof value === 'number' && value >= 1 && value < Infinity, 'a number of at least 1')
const jitterPart: OptionCheck = (value) =>
  unless(typeof value === 'number' && value >= 0 && value <= 1, 'a number from 0 to 1')

const supervisorChecks = {
  name: placeName,
  strategy: oneOf('one-for-one', 'one-for-all', 'rest-for-one'),
  maxRestarts,
  periodMs: delayMs,
  intensityScope: oneOf('supervisor', 'child'),
  backoff: anObject,
  autoShutdown: oneOf('never', 'any-significant', 'all-significant'),
  maxChildren: countOrInfinity,
  maxConcurrentBoots: countOrInfinity,
  parallelStart: boolean,
  resurrect: boolean,
  coalesce: boolean,
  children: anArray,
} satisfies Record<keyof SupervisorSpec, OptionCheck>

const childChecks = {
  id: placeName,
  worker: anObject,
  supervisor: anObject,
  pool: anObject,
  restart: oneOf('permanent', 'transient', 'temporary'),
  shutdownMs: delayOrNeverMs,
  significant: boolean,
  init: either(aFunction, anObject),
} satisfies Record<keyof ChildSpec, OptionCheck>

const backoffChecks = {
  minMs: delayOrZeroMs,
  maxMs: delayOrZeroMs,
  factor,
  jitter: either(oneOf('full', 'equal'), jitterPart),
  resetAfterMs: delayOrNeverMs,
} satisfies Record<keyof BackoffOptions, OptionCheck>

const jitterWords = { full: 1, equal: 0.5 }

function resolveBackoff(where: string, options: BackoffOptions, periodMs: number): Backoff {
  checkFields(where, '`backoff`', options, backoffChecks)
  const { minMs = 100, maxMs = Math.max(30_000, minMs), factor: growth = 2, jitter = 'equal' } = options
  if (maxMs < minMs) throw invalid(`${where}.maxMs`, maxMs, `at least \`minMs\`, which is ${minMs}`)
  return {
    minMs,
    maxMs,
    factor: growth,
    jitter: typeof jitter === 'number' ? jitter : jitterWords[jitter],
    resetAfterMs: options.resetAfterMs ?? periodMs,
  }
}

/** Ending a tree takes some frames of the stack for each supervisor above another. */
const maxDepth = 100

function tooDeep(field: string, value: unknown): SpecError {
  const message =
    `Supervisors can be nested ${maxDepth} deep, and \`${shortened(field)}\` would be deeper. Does the spec contain itself? ` +
    'Else give what is below a tree of its own by `supervise`.'
  return new SpecError(message, { fault: 'invalid', field, value })
}

/** The end of a long way, from the beginning of a step. */
const shortened = (field: string): string =>
  field.length <= 100 ? field : `…${field.slice(field.indexOf('.', field.length - 100))}`

/** Makes the kind; an error about its own options is told as one of the spec. */
function kindOf(where: string, spec: ChildSpec, kinds: ChildKinds, depth: number): ChildKind {
  const { id, worker, supervisor, pool, init } = spec
  const given = Object.entries({ worker, supervisor, pool }).filter(([, value]) => value !== undefined)
  const [first] = given
  if (first === undefined || given.length !== 1) {
    const names = given.map(([name]) => `\`${name}\``).join(' and ') || 'none of them'
    throw invalid(where, spec, `a child with one of \`worker\`, \`supervisor\`, \`pool\`; it has ${names}`)
  }
  if (init !== undefined && worker === undefined) {
    throw invalid(`${where}.init`, init, 'left out, since only a worker has it')
  }
  if (supervisor?.name !== undefined && supervisor.name !== id) {
    const remedy = 'Its name in the tree is its id; leave `name` out.'
    throw invalid(`${where}.supervisor.name`, supervisor.name, `\`${id}\``, remedy)
  }
  if (supervisor !== undefined)
    return kinds.supervisor(resolveAt(`${where}.supervisor`, supervisor, kinds, depth + 1), id)
  try {
    return worker !== undefined ? kinds.worker(worker, spec) : kinds.pool(pool ?? {}, spec)
  } catch (error) {
    if (error instanceof SpecError) throw error
    const field = `${where}.${first[0]}`
    const why = error instanceof Error ? error.message : String(error)
    throw new SpecError(`\`${field}\` is not right: ${why}`, {
      fault: 'invalid',
      field,
      value: first[1],
      cause: error,
    })
  }
}

function resolveChildAt(
  where: string,
  spec: ChildSpec,
  { autoShutdown }: Pick<DeathRules, 'autoShutdown'>,
  kinds: ChildKinds,
  depth: number,
): ResolvedChild {
  checkFields(where, 'A child', spec, childChecks)
  const { id, restart = 'permanent', significant = false } = spec
  if (id === undefined) throw invalid(`${where}.id`, id, 'its name among its siblings')
  if (significant && restart === 'permanent') {
    const remedy = 'A permanent child is always restarted, so its end can not end the supervisor.'
    throw invalid(`${where}.significant`, significant, '`false` for a permanent child', remedy)
  }
  if (significant && autoShutdown === 'never') {
    const remedy = 'Give the supervisor an `autoShutdown`.'
    throw invalid(`${where}.significant`, significant, '`false` where `autoShutdown` is never', remedy)
  }
  const kind = kindOf(where, spec, kinds, depth)
  const shutdownMs = spec.shutdownMs ?? (kind.kind === 'worker' ? 5000 : Infinity)
  return { id, kind, restart, shutdownMs, significant, lives: { count: 0, isStopped: false } }
}

function resolveAt(where: string, spec: SupervisorSpec, kinds: ChildKinds, depth: number): ResolvedSpec {
  if (depth > maxDepth) throw tooDeep(where, spec)
  checkFields(where, 'A supervisor', spec, supervisorChecks)
  const field = (name: string): string => (where === '' ? name : `${where}.${name}`)
  const { periodMs = 5000, autoShutdown = 'never', children = [], maxChildren = Infinity } = spec
  const backoff = resolveBackoff(field('backoff'), spec.backoff ?? {}, periodMs)
  if (children.length > maxChildren) {
    throw invalid(field('children'), `${children.length} children`, `at most \`maxChildren\`, ${maxChildren}`)
  }
  const { strategy = 'one-for-one', parallelStart = false } = spec
  if (parallelStart && strategy !== 'one-for-one') {
    const remedy = 'Where children depend on each other they start in order.'
    throw invalid(field('parallelStart'), true, `\`false\` where \`strategy\` is ${strategy}`, remedy)
  }
  const owners = new Map<unknown, number>()
  children.forEach((child, index) => {
    const id = (child as ChildSpec | undefined)?.id
    const owner = owners.get(id)
    if (owner !== undefined && id !== undefined) {
      const remedy = `${field(`children[${owner}]`)} has the same.`
      throw invalid(field(`children[${index}].id`), id, 'unique among its siblings', remedy)
    }
    owners.set(id, index)
  })
  return {
    name: spec.name,
    strategy,
    maxRestarts: spec.maxRestarts ?? 3,
    periodMs,
    intensityScope: spec.intensityScope ?? 'supervisor',
    backoff,
    autoShutdown,
    maxChildren,
    maxConcurrentBoots: spec.maxConcurrentBoots ?? Math.max(2, availableParallelism()),
    parallelStart,
    resurrect: spec.resurrect ?? false,
    coalesce: spec.coalesce ?? true,
    // Not by `map`, which passes over holes.
    children: Array.from(children, (child, index) =>
      resolveChildAt(field(`children[${index}]`), child, { autoShutdown }, kinds, depth),
    ),
  }
}

/**
 * Checks a spec with all that is in it, and fills in the defaults, before anything is started.
 * @throws {SpecError} naming the field, the value and the remedy
 */
export function resolveSpec(spec: SupervisorSpec, kinds: ChildKinds): ResolvedSpec {
  return resolveAt('', spec, kinds, 1)
}

/**
 * As `resolveSpec`, for a child that comes later.
 * @param depth - how many supervisors it is below
 * @throws {SpecError} naming the field, the value and the remedy
 */
export function resolveChild(
  spec: ChildSpec,
  rules: DeathRules,
  kinds: ChildKinds,
  depth: number,
): ResolvedChild {
  return resolveChildAt('child', spec, rules, kinds, depth)
}
