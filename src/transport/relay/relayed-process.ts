import type { ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'

import type { LaunchedProcess, LaunchRequest, ProcessExit } from '../launcher.ts'
import { signalGroup } from '../launchers/local.ts'
import type { Transport } from '../transport.ts'
import { laneToStream, MergedErrors } from './channel-streams.ts'
import { Multiplexer } from './multiplexer.ts'
import { PreambleSearch } from './preamble.ts'
import { relayChannel, relayChannelCount, type RelayReport, type RelayRequest } from './relay-messages.ts'

/** How long what a launcher wrote before it exited may take to arrive. */
const drainMs = 200
/** How long a launcher may live on when nobody can be reached through it, or the worker is gone. */
const launcherGraceMs = 200
const farewellMs = 1000
/** How long a relay may take to kill its worker. */
const killMs = 1000

/** A launcher with its three standard streams. */
export type PipedChild = ChildProcess & { stdin: Socket; stdout: Socket; stderr: Socket }

/** How the launcher itself ended. */
interface LauncherExit {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
}

/** A worker behind a launcher and a relay: what this side of them looks like. */
export class RelayedProcess implements LaunchedProcess {
  readonly data: Transport
  readonly control: Transport
  readonly stdout: Readable
  readonly stderr: Readable
  readonly #child: PipedChild
  readonly #name: string
  readonly #multiplexer: Multiplexer
  readonly #errors: MergedErrors
  readonly #search: PreambleSearch
  #workerPid: number | undefined
  #launcherExit: LauncherExit | undefined
  #isStreamOver = false
  #isStderrOver = false
  #brokenBy: Error | undefined
  #isTold = false
  #killTimer: NodeJS.Timeout | undefined
  #exitListener: (exit: ProcessExit) => void = () => {}
  #failedListener: (error: Error) => void = () => {}

  /**
   * To be called in the turn of the spawn.
   * @param name - what the launcher is called in messages
   */
  constructor(child: PipedChild, name: string, request: LaunchRequest) {
    this.#child = child
    this.#name = name
    const { stdin, stdout, stderr } = child
    this.#multiplexer = new Multiplexer(
      stdout,
      stdin,
      relayChannelCount,
      {
        message: (message) => this.#reported(message as RelayReport),
        channelsOver: () => this.#finishIfDone(),
        over: (error) => this.#streamOver(error),
      },
      // What a request holds is not for anything but a relay: an echo would bring it to stderr.
      false,
    )
    this.#ask({ type: 'launch', request: sendable(request) })
    const { channels } = this.#multiplexer
    this.data = channels[relayChannel.data]!
    this.control = channels[relayChannel.control]!
    this.stdout = laneToStream(channels[relayChannel.stdout]!)
    this.#errors = new MergedErrors(laneToStream(channels[relayChannel.stderr]!), stderr, () => {
      this.#isStderrOver = true
      this.#settle()
    })
    this.stderr = this.#errors.stream
    this.#search = new PreambleSearch((junk) => this.#errors.said(junk))
    stdout.on('data', (chunk: Buffer) => this.#read(chunk))
    child.on('error', (error) => this.#failed(error))
    child.on('exit', (exitCode, signal) => this.#launcherExited({ exitCode, signal }))
    for (const stream of [stdin, stdout, stderr]) stream.unref()
  }

  get pid(): number | undefined {
    return this.#workerPid ?? this.#child.pid
  }

  onExit(listener: (exit: ProcessExit) => void): void {
    this.#exitListener = listener
  }

  onFailed(listener: (error: Error) => void): void {
    this.#failedListener = listener
  }

  signalGroup(signal: NodeJS.Signals): void {
    if (this.#isTold) return
    if (signal !== 'SIGKILL') {
      this.#ask({ type: 'signal', signal })
      return
    }
    // Before there is a relay there is nothing else to end.
    if (!this.#search.isFound) {
      signalGroup(this.#child, 'SIGKILL')
      return
    }
    this.#ask({ type: 'signal', signal })
    this.#killTimer ??= setTimeout(() => {
      this.#brokenBy ??= new Error(`the worker's end was not reported within ${killMs} ms after a SIGKILL`)
      this.#endLauncher()
    }, killMs)
  }

  ref(): void {
    this.#child.ref()
  }

  unref(): void {
    this.#child.unref()
  }

  #ask(request: RelayRequest): void {
    this.#multiplexer.message(request)
  }

  #read(chunk: Buffer): void {
    try {
      const wasFound = this.#search.isFound
      const rest = this.#search.read(chunk)
      if (this.#search.isFound && !wasFound) this.#multiplexer.open()
      this.#multiplexer.read(rest)
    } catch (error) {
      this.#multiplexer.over(error as Error)
    }
  }

  #reported(report: RelayReport): void {
    if (report.type === 'started' && typeof report.pid === 'number') this.#workerPid = report.pid
    else if (report.type === 'failed') {
      const { code, message } = report
      // It may be all that there is to read about it.
      this.#errors.said(Buffer.from(`${message}\n`))
      this.#failed(Object.assign(new Error(message), { code }))
    } else if (report.type === 'exited') {
      const { exitCode, signal } = report
      this.#tell(() => this.#exitListener({ exitCode, signal }))
    } else throw new Error('the relay said something that a relay does not say')
  }

  #failed(error: Error): void {
    this.#tell(() => this.#failedListener(error))
  }

  /** The worker's end is known. What is left of the launcher has a second to go by itself. */
  #tell(tell: () => void): void {
    if (this.#isTold) return
    this.#isTold = true
    clearTimeout(this.#killTimer)
    this.#errors.launcherOver()
    tell()
    if (this.#launcherExit !== undefined) return
    this.#finishIfDone()
    const farewell = setTimeout(() => this.#endLauncher(), farewellMs)
    farewell.unref()
    this.#child.once('exit', () => clearTimeout(farewell))
  }

  #finishIfDone(): void {
    if (this.#isTold && this.#multiplexer.channels.every(({ isOver }) => isOver)) this.#multiplexer.finish()
  }

  /** Nobody can be reached through the launcher any more: what there is on the other side sees that, and ends. */
  #streamOver(error: Error | undefined): void {
    this.#isStreamOver = true
    this.#search.end()
    this.#brokenBy ??= error
    this.#settle()
    if (this.#launcherExit !== undefined) return
    const grace = setTimeout(() => this.#endLauncher(), launcherGraceMs)
    this.#child.once('exit', () => clearTimeout(grace))
  }

  #endLauncher(): void {
    this.#multiplexer.over(this.#brokenBy)
    if (this.#launcherExit === undefined) signalGroup(this.#child, 'SIGKILL')
  }

  #launcherExited(exit: LauncherExit): void {
    // A relay that it forked and that SIGSTOP holds could not see that its stdin ends.
    signalGroup(this.#child, 'SIGCONT')
    this.#launcherExit = exit
    clearTimeout(this.#killTimer)
    this.#settle()
    // Something that it left behind may hold the streams open.
    const drained = setTimeout(() => {
      this.#isStderrOver = true
      this.#multiplexer.over(undefined)
      this.#settle()
      this.#child.stderr.destroy()
    }, drainMs)
    this.#child.once('close', () => clearTimeout(drained))
  }

  /** The launcher has ended, and everything that it brought has been read. */
  #settle(): void {
    const exit = this.#launcherExit
    if (exit === undefined || !this.#isStreamOver || !this.#isStderrOver) return
    const { exitCode } = exit
    if (!this.#search.isFound) this.#tell(() => this.#exitListener(exit))
    else this.#tell(() => this.#exitListener({ exitCode, signal: null, lost: this.#lost(exit) }))
  }

  #lost({ exitCode, signal }: LauncherExit): Error {
    const how = signal === null ? `exited with code ${exitCode}` : `was ended by ${signal}`
    const why = this.#brokenBy === undefined ? '' : ` (${this.#brokenBy.message})`
    const tail = this.#errors.launcherTail
    const words = tail === '' ? 'it said nothing' : `its last words: ${tail}`
    return new Error(`the launcher ${this.#name} ${how} before the worker's end was known${why}; ${words}`)
  }
}

/** JSON knows no `undefined`: what is to be taken out of the environment goes as null. */
function sendable(request: LaunchRequest): LaunchRequest {
  const env = Object.entries(request.env).map(([name, value]) => [name, value ?? null])
  return { ...request, env: Object.fromEntries(env) as LaunchRequest['env'] }
}
