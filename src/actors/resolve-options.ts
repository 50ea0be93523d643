import { fileURLToPath } from 'node:url'

import type { CapturePolicy } from '../movement/capture-policy.ts'
import { capturePolicy } from './capture-checks.ts'
import { type PlannedStep, planPreload } from '../movement/preload-plan.ts'
import { messageCodec } from '../transport/codec/message-codec.ts'
import type { Launcher } from '../transport/launcher.ts'
import { defaultLimits, type Limits } from '../transport/limits.ts'
import { defaultInheritedNames } from '../transport/launchers/environment.ts'
import {
  aFunction,
  aLauncher,
  amount,
  anArray,
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
import type { HeartbeatOptions, WorkerOptions } from './worker-options.ts'

/** Options with every default filled in. */
export interface ResolvedOptions {
  readonly name: string
  readonly transport: 'pipe' | 'uds' | 'tcp'
  /** Undefined: that of the surroundings. */
  readonly launcher: Launcher | undefined
  readonly preload: readonly PlannedStep[]
  /** In bytes, or Infinity. */
  readonly maxRssBytes: number
  /** Undefined: no heartbeat. */
  readonly heartbeat: Required<HeartbeatOptions> | undefined
  readonly debug: boolean
  /** What `run` does unless told otherwise. */
  readonly run: { readonly timeoutMs: number; readonly maxOutputBytes: number }
  readonly execPath: string
  readonly execArgv: readonly string[]
  readonly argv: readonly string[]
  readonly cwd: string
  readonly isCwdGiven: boolean
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
  readonly capture: CapturePolicy
  readonly runtimeEntry: string
}

const isUrl = (value: unknown): string | undefined =>
  value instanceof URL && value.protocol === 'file:' ? undefined : 'a file URL'
/** A place in the tree is names with slashes between them. */
const name = (value: unknown): string | undefined =>
  text(value) ??
  (/^[^/\p{Cc}]{1,200}$/u.test(value as string)
    ? undefined
    : 'at most 200 characters without a slash or control characters')

const checks = {
  name,
  transport: oneOf('pipe', 'uds', 'tcp'),
  launcher: aLauncher,
  preload: anArray,
  maxHeapMb: count,
  maxRssMb: amount,
  heartbeat: either(boolean, anObject),
  debug: boolean,
  preset: oneOf('untrusted'),
  execPath: text,
  execArgv: texts,
  argv: texts,
  cwd: text,
  env: environment,
  inheritEnv: either(boolean, texts),
  stdout: either(oneOf('forward', 'pipe', 'ignore'), aFunction),
  stderr: either(oneOf('forward', 'pipe', 'ignore'), aFunction),
  bootTimeoutMs: delayMs,
  mailbox: anObject,
  limits: anObject,
  concurrency: countOrInfinity,
  interruptGraceMs: delayMs,
  onStuck: oneOf('kill', 'report'),
  capture: capturePolicy,
  runtimeEntry: either(text, isUrl),
}

/** Whether a worker has such an option. */
export const isWorkerOption = (option: string): boolean => Object.hasOwn(checks, option)

const limitChecks = { maxBodyBytes: count, maxAttachmentBytes: count, maxItems: count, maxDepth: count }
const mailboxChecks = { maxCalls: countOrInfinity, maxBytes: countOrInfinity }

const heartbeatChecks = {
  intervalMs: delayMs,
  maxMissed: count,
  onUnresponsive: oneOf('report', 'kill'),
}

/** What `preset` sets. */
const untrusted = {
  inheritEnv: false,
  maxHeapMb: 256,
  maxRssMb: 512,
  onStuck: 'kill',
  capture: 'explicit',
  stdout: 'ignore',
  stderr: 'ignore',
} satisfies WorkerOptions
const untrustedLimits = { maxBodyBytes: 16 * 2 ** 20, maxAttachmentBytes: 64 * 2 ** 20 }
const untrustedRun = { timeoutMs: 10_000, maxOutputBytes: 2 ** 20 }
const trustedRun = { timeoutMs: Infinity, maxOutputBytes: 16 * 2 ** 20 }

function heartbeatOf(option: WorkerOptions['heartbeat']): Required<HeartbeatOptions> | undefined {
  if (option === undefined || option === false) return undefined
  const chosen = option === true ? {} : option
  checkOptions('`heartbeat`', chosen, heartbeatChecks)
  return { intervalMs: 1000, maxMissed: 5, onUnresponsive: 'report', ...given(chosen) }
}

/** What the options ask of Node.js itself. */
function flags({ maxHeapMb, debug }: WorkerOptions): string[] {
  return [
    ...(maxHeapMb === undefined ? [] : [`--max-old-space-size=${maxHeapMb}`]),
    // The inspector would tell its URL to every user of the machine who asks by HTTP.
    ...(debug === true ? ['--inspect-publish-uid=stderr'] : []),
  ]
}

/** An object without the keys whose value is undefined, so that a spread does not undo a default. */
function given<T extends object>(options: T | undefined): Partial<T> {
  return Object.fromEntries(
    Object.entries(options ?? {}).filter(([, value]) => value !== undefined),
  ) as Partial<T>
}

const listOptions = ['argv', 'execArgv', 'inheritEnv', 'preload'] as const
const objectOptions = ['env', 'limits', 'mailbox', 'heartbeat', 'capture'] as const

/** Options that stay as they are, whatever becomes of their owner's lists and objects. What is wrong in them stays wrong. */
export function ownOptions(options: WorkerOptions): WorkerOptions {
  const own: Record<string, unknown> = { ...options }
  for (const option of listOptions) if (Array.isArray(own[option])) own[option] = [...own[option]]
  for (const option of objectOptions) {
    const value = own[option]
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) own[option] = { ...value }
  }
  const { capture } = own as WorkerOptions
  if (typeof capture === 'object' && Array.isArray(capture?.deny))
    own['capture'] = { ...capture, deny: [...capture.deny] }
  return own
}

/** What such a worker lets leave with a function, unless a call says otherwise. */
export const policyOf = ({ capture, preset }: WorkerOptions): CapturePolicy =>
  capture ?? (preset === 'untrusted' ? untrusted.capture : 'auto')

/**
 * Checks a worker's options and fills in the defaults.
 * @throws {TypeError | RangeError} naming the option, what was given and what is expected
 */
export function resolveOptions(options: WorkerOptions, defaultName: string): ResolvedOptions {
  checkOptions('a worker', options, checks)
  checkOptions('`limits`', options.limits ?? {}, limitChecks)
  checkOptions('`mailbox`', options.mailbox ?? {}, mailboxChecks)
  const isUntrusted = options.preset === 'untrusted'
  const all: WorkerOptions = { ...(isUntrusted ? untrusted : {}), ...given(ownOptions(options)) }
  const { mailbox = {}, runtimeEntry, maxRssMb, execArgv = [] } = all
  const policy = policyOf(all)
  const limits = { ...defaultLimits, ...(isUntrusted ? untrustedLimits : {}), ...given(all.limits) }
  const entry = runtimeEntry ?? new URL('../child/main.cjs', import.meta.url)
  return {
    name: defaultName,
    transport: 'pipe',
    launcher: undefined,
    execPath: process.execPath,
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
    capture: 'auto',
    debug: false,
    ...all,
    execArgv: [...flags(all), ...execArgv],
    isCwdGiven: all.cwd !== undefined,
    preload: planPreload(all.preload ?? [], { codec: messageCodec(limits), policy }),
    maxRssBytes: maxRssMb === undefined ? Infinity : maxRssMb * 2 ** 20,
    heartbeat: heartbeatOf(all.heartbeat),
    run: isUntrusted ? untrustedRun : trustedRun,
    maxCalls: mailbox.maxCalls ?? 65_536,
    maxBytes: mailbox.maxBytes ?? 64 * 2 ** 20,
    limits,
    runtimeEntry: entry instanceof URL ? fileURLToPath(entry) : entry,
  }
}
