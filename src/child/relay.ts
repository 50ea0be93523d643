import { statSync } from 'node:fs'
import { Socket } from 'node:net'
import { isatty } from 'node:tty'

import type { LaunchedProcess, LaunchRequest, ProcessExit } from '../transport/launcher.ts'
import { localLauncher } from '../transport/launchers/local.ts'
import { joinLanes, streamToLane } from '../transport/relay/channel-streams.ts'
import { Multiplexer } from '../transport/relay/multiplexer.ts'
import { preamble } from '../transport/relay/preamble.ts'
import {
  relayChannel,
  relayChannelCount,
  type RelayReport,
  type RelayRequest,
} from '../transport/relay/relay-messages.ts'
import { afterOwnTime } from './own-time.ts'
import { streamsEndMs } from './sentinel-messages.ts'

/** How long the worker's streams may take to end after it: a process that it left behind may hold them. */
const drainMs = 100
/** How long the host may take to read what the worker left, before it is told of the end. */
const flushMs = 2000
/** How long an exit may take after the end of a lane. */
const laneGraceMs = 500
/** How much longer than its streams have a worker may take to end itself when the host is gone. */
const orphanGraceMs = 150

/**
 * A worker's end of a launcher that gives nothing but standard streams. Over these it speaks with the host; the worker
 * it starts as the host would here, with lanes of its own. So nothing that user code prints gets into the protocol,
 * and how the worker ended is seen by its parent. When the host can't be reached any more it ends the worker.
 */
export function startRelay(): void {
  if (isatty(0) || isatty(1)) {
    process.stderr.write(
      'The launcher gives a terminal, which changes bytes: leave out its `-t`, or whatever makes one.\n',
    )
    process.exitCode = 1
    return
  }
  // Not `process.stdout`, which writes to a pipe synchronously: nothing else could be noticed meanwhile.
  const input = new Socket({ fd: 0, readable: true, writable: false })
  const output = new Socket({ fd: 1, readable: false, writable: true })
  const relay = new Relay(input, output)
  output.write(preamble)
  input.on('data', (chunk: Buffer) => relay.multiplexer.read(chunk))
}

class Relay {
  readonly multiplexer: Multiplexer
  #worker: LaunchedProcess | undefined
  #isLaunched = false
  #isOrphaned = false

  constructor(input: Socket, output: Socket) {
    this.multiplexer = new Multiplexer(input, output, relayChannelCount, {
      message: (message) => this.#asked(message as RelayRequest),
      channelsOver: () => {},
      over: () => this.#end(),
    })
    // What can't be written will never be read: the host is gone, or is on its way.
    output.on('error', () => this.#end())
  }

  #asked(request: RelayRequest): void {
    if (request.type === 'signal') this.#worker?.signalGroup(request.signal)
    else if (request.type === 'launch' && !this.#isLaunched) this.#launch(request.request)
    else throw new Error('the host asked for something that a relay does not do')
  }

  #launch(request: LaunchRequest): void {
    this.#isLaunched = true
    try {
      const worker = localLauncher.launch(atHome(request))
      this.#worker = worker
      worker.onFailed((error) => this.#failed(error))
      const ended = this.#connect(worker)
      worker.onExit((exit) => void this.#exited(worker, exit, ended))
      if (worker.pid !== undefined) this.#report({ type: 'started', pid: worker.pid })
    } catch (error) {
      this.#failed(error as Error)
    }
  }

  /** Answers when everything that the worker had to say is with its channels. */
  #connect(worker: LaunchedProcess): Promise<unknown> {
    const { channels } = this.multiplexer
    const lane = (near: LaunchedProcess['data'], number: number): Promise<void> => {
      const channel = channels[number]!
      const over = joinLanes(near, channel)
      // Its end goes over with the exit, so that these are not taken for two things.
      void over.then(() => setTimeout(() => channel.close(), laneGraceMs).unref())
      return over
    }
    const print = async (number: number, source: LaunchedProcess['stdout']): Promise<void> => {
      await streamToLane(source, channels[number]!)
      channels[number]!.close()
    }
    return Promise.all([
      lane(worker.data, relayChannel.data),
      lane(worker.control, relayChannel.control),
      print(relayChannel.stdout, worker.stdout),
      print(relayChannel.stderr, worker.stderr),
    ])
  }

  async #exited(worker: LaunchedProcess, exit: ProcessExit, ended: Promise<unknown>): Promise<void> {
    worker.signalGroup('SIGKILL')
    this.#worker = undefined
    if (this.#isOrphaned) process.exit()
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, drainMs))])
    for (const channel of this.multiplexer.channels) channel.close()
    const { exitCode, signal } = exit
    this.multiplexer.lastMessage({ type: 'exited', exitCode, signal } satisfies RelayReport)
    setTimeout(() => this.multiplexer.hurry(), flushMs)
  }

  #failed(error: NodeJS.ErrnoException): void {
    this.#worker = undefined
    this.#report({ type: 'failed', code: error.code, message: error.message })
  }

  #report(report: RelayReport): void {
    this.multiplexer.message(report)
  }

  /**
   * The host is gone: nothing may stay. The worker's lanes have ended with it, so that its sentinel ends it, at once or
   * when its streams have had their time; what does not end is killed.
   */
  #end(): void {
    if (this.#worker === undefined) process.exit()
    if (this.#isOrphaned) return
    this.#isOrphaned = true
    afterOwnTime(streamsEndMs + orphanGraceMs, () => {
      this.#worker?.signalGroup('SIGKILL')
      process.exit()
    })
  }
}

/** The request as it is meant here: what goes as null is to be taken out, and a directory that is none may not matter. */
function atHome(request: LaunchRequest): LaunchRequest {
  const env = Object.entries(request.env).map(([name, value]) => [name, value ?? undefined])
  const local = { ...request, env: Object.fromEntries(env) as LaunchRequest['env'] }
  try {
    requireDirectory(request.cwd)
    return local
  } catch (error) {
    if (request.isCwdGiven) throw error
    return { ...local, cwd: process.cwd() }
  }
}

/** The system would blame the executable for a missing directory. */
function requireDirectory(cwd: string): void {
  let code = 'ENOTDIR'
  try {
    if (statSync(cwd).isDirectory()) return
  } catch (error) {
    code = (error as NodeJS.ErrnoException).code ?? 'UNKNOWN'
  }
  const message = `its \`cwd\` can't be entered on the side of the launcher (${code}): ${cwd}`
  throw Object.assign(new Error(message), { code })
}
