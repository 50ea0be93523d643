import { fileURLToPath } from 'node:url'

import { defaultLimits, type Limits } from '../transport/limits.ts'
import { defaultInheritedNames } from './environment.ts'
import {
  aFunction,
  anObject,
  boolean,
  checkOptions,
  count,
  countOrInfinity,
  delayMs,
  either,
  environment,
  oneOf,
  text,
  texts,
} from './option-checks.ts'
import type { OutputOption } from './output.ts'
import type { WorkerOptions } from './worker-options.ts'

/** Options with every default filled in. */
export interface ResolvedOptions {
  readonly name: string
  readonly execPath: string
  readonly execArgv: readonly string[]
  readonly argv: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly inheritEnv: boolean | readonly string[]
  readonly stdout: OutputOption
  readonly stderr: OutputOption
  readonly bootTimeoutMs: number
  readonly maxCalls: number
  readonly maxBytes: number
  readonly limits: Limits
  readonly concurrency: number
  readonly interruptGraceMs: number
  readonly onStuck: 'kill' | 'report'
  readonly runtimeEntry: string
}

const isUrl = (value: unknown): string | undefined => (value instanceof URL ? undefined : 'a file URL')
/** A place in the tree is names with slashes between them. */
const name = (value: unknown): string | undefined =>
  text(value) ??
  (/^[^/\p{Cc}]{1,200}$/u.test(value as string)
    ? undefined
    : 'at most 200 characters without a slash or control characters')

const checks = {
  name,
  transport: oneOf('pipe'),
  execPath: text,
  execArgv: texts,
  argv: texts,
  cwd: text,
  env: environment,
  inheritEnv: either(boolean, texts),
  stdout: either(oneOf('forward', 'ignore'), aFunction),
  stderr: either(oneOf('forward', 'ignore'), aFunction),
  bootTimeoutMs: delayMs,
  mailbox: anObject,
  limits: anObject,
  concurrency: countOrInfinity,
  interruptGraceMs: delayMs,
  onStuck: oneOf('kill', 'report'),
  runtimeEntry: either(text, isUrl),
}

const limitChecks = { maxBodyBytes: count, maxAttachmentBytes: count, maxItems: count, maxDepth: count }
const mailboxChecks = { maxCalls: countOrInfinity, maxBytes: countOrInfinity }

/** An object without the keys whose value is undefined, so that a spread does not undo a default. */
function given<T extends object>(options: T | undefined): Partial<T> {
  return Object.fromEntries(
    Object.entries(options ?? {}).filter(([, value]) => value !== undefined),
  ) as Partial<T>
}

/**
 * Checks a worker's options and fills in the defaults.
 * @throws {TypeError | RangeError} naming the option, what was given and what is expected
 */
export function resolveOptions(options: WorkerOptions, defaultName: string): ResolvedOptions {
  checkOptions('a worker', options, checks)
  checkOptions('`limits`', options.limits ?? {}, limitChecks)
  checkOptions('`mailbox`', options.mailbox ?? {}, mailboxChecks)
  const { mailbox = {}, limits, runtimeEntry } = options
  const entry = runtimeEntry ?? new URL('../child/main.cjs', import.meta.url)
  return {
    name: defaultName,
    execPath: process.execPath,
    execArgv: [],
    argv: [],
    cwd: process.cwd(),
    env: {},
    inheritEnv: defaultInheritedNames,
    stdout: 'forward',
    stderr: 'forward',
    bootTimeoutMs: 20_000,
    concurrency: Infinity,
    interruptGraceMs: 1000,
    onStuck: 'report',
    ...given(options),
    maxCalls: mailbox.maxCalls ?? 65_536,
    maxBytes: mailbox.maxBytes ?? 64 * 2 ** 20,
    limits: { ...defaultLimits, ...given(limits) },
    runtimeEntry: entry instanceof URL ? fileURLToPath(entry) : entry,
  }
}
