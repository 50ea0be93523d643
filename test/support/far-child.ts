import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type Lanes, pipeLanes } from '../../src/transport/pipe-transport.ts'
import type { SocketTransportOptions } from '../../src/transport/socket-transport.ts'
import type { FarEnd } from './far-end.ts'

/** A child process with both lanes, and its ends of them by remote control. */
export interface FarChild {
  readonly child: ChildProcess
  readonly lanes: Lanes
  readonly data: FarEnd
  readonly control: FarEnd
  /** Kills it and waits until it has closed all its streams. */
  kill(): Promise<void>
}

/** Spawns the bundled fixture `transport/far-lanes.ts`. */
export function spawnFarChild(bundle: string, options: SocketTransportOptions = {}): FarChild {
  const stdio = ['ignore', 'inherit', 'inherit', 'pipe', 'pipe', 'ipc'] as const
  const child = spawn(process.execPath, [bundle], { stdio: [...stdio] })
  const lanes = pipeLanes(child, options)
  const request = remoteControl(child)
  const exited = once(child, 'exit')
  return {
    child,
    lanes,
    data: farEnd('data', request),
    control: farEnd('control', request),
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

type Request = (lane: string, method: string, args: readonly unknown[]) => Promise<unknown>

function remoteControl(child: ChildProcess): Request {
  const waiting = new Map<number, (answer: unknown) => void>()
  let lastId = 0
  child.on('message', (message) => {
    const [id, answer] = message as [number, unknown]
    waiting.get(id)?.(answer)
    waiting.delete(id)
  })
  return (lane, method, args) =>
    new Promise((resolve) => {
      const id = ++lastId
      waiting.set(id, resolve)
      child.send([id, lane, method, ...args])
    })
}

function farEnd(lane: string, request: Request): FarEnd {
  const ask =
    (method: string) =>
    (...args: unknown[]): Promise<unknown> =>
      request(lane, method, args)
  const methods: readonly (keyof FarEnd)[] = [
    'send',
    'mirror',
    'pause',
    'resume',
    'close',
    'destroy',
    'hasReceived',
    'hasClosed',
    'report',
  ]
  return Object.fromEntries(methods.map((method) => [method, ask(method)])) as unknown as FarEnd
}
