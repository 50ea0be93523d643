import type { Transport } from '../transport/transport.ts'
import { Session } from '../movement/session/session.ts'
import { CallTable } from './call-table.ts'
import { Runtime } from './runtime.ts'
import { runtimeFunctions } from './runtime-functions.ts'
import { cellBytes } from './sentinel-messages.ts'
import { startPort } from './sentinel-port.ts'
import { workerContexts } from './worker-context.ts'

/** The worker's side of a worker that lives in its host's process. */
export interface Guest {
  /** Hands out no calls until `resume`. */
  pause(): void
  resume(): void
}

/** What a guest needs. */
export interface GuestOptions {
  readonly data: Transport
  readonly control: Transport
  /** It is over: asked to, or on its own account. Called once. */
  readonly onExit: (exitCode: number) => void
}

/** The package's own directory; nothing where it was bundled into one file with the user's code. */
function ownFiles(): string[] {
  const isAlone = /\/child\/guest\.[jt]s$/.test(import.meta.url)
  return isAlone ? [new URL('../', import.meta.url).href] : []
}

/** Thrown by `exitWith` in a guest, since the process can't be left. */
const leaving = new Error('This in-process worker has ended.')

/**
 * Runs the worker's side here, over two lanes. Calls are told apart by their context alone, since other code runs in
 * this process; nothing can be cut off; the session's names are its own, not globals.
 */
export function startGuest(options: GuestOptions): Guest {
  let isOver = false
  const exit = (exitCode: number): void => {
    if (isOver) return
    isOver = true
    const { context } = runtime
    const contexts = workerContexts()
    if (context !== undefined) contexts.splice(contexts.indexOf(context), 1)
    // What it said last is on its way; the lanes end behind it.
    options.data.close()
    options.control.close()
    options.onExit(exitCode)
  }
  const runtime = new Runtime({
    lane: options.data,
    table: new CallTable({ isAlone: false }),
    sentinel: startPort(options.control, () => exit(0)),
    decision: new SharedArrayBuffer(cellBytes),
    output: undefined,
    runtimeFile: undefined,
    runtimeFiles: ownFiles(),
    functions: (whyNotSendable) =>
      runtimeFunctions(() => new Session({ defaultScope: 'own' }), whyNotSendable),
    isProcess: false,
    connect: () => options.data,
    openDebugger: () => undefined,
    end: () => exit(0),
    exitInOrder: (exitCode) => {
      runtime.outgoing?.writer.flush()
      exit(exitCode)
    },
    exit: (exitCode) => {
      runtime.outgoing?.writer.flush()
      exit(exitCode)
      throw leaving
    },
  })
  return runtime
}
