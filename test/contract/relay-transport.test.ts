import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { beforeAll } from 'vitest'
import type { LaunchedProcess } from '../../src/transport/launcher.ts'
import { command } from '../../src/transport/launchers/command.ts'
import { Multiplexer } from '../../src/transport/relay/multiplexer.ts'
import { bundleFixture } from '../support/bundle-fixture.ts'
import { type FarEnd, LaneEnd } from '../support/far-end.ts'
import { type ConnectedPair, transportContract } from './transport.contract.ts'

let farLane: string
beforeAll(async () => {
  farLane = await bundleFixture('transport/relay-far-lane.ts')
})

transportContract('data channel of a multiplexed stream', () => multiplexedPair(1))

transportContract('control channel of a multiplexed stream', () => multiplexedPair(0))

transportContract('through a launcher and its relay', async () => {
  const launched = throughRelay()
  const exited = new Promise<void>((exit) => launched.onExit(() => exit()))
  const far = remoteEnd(launched)
  const failed = exited.then(() => Promise.reject(new Error('the far end did not start')))
  failed.catch(() => {})
  await Promise.race([far.report(), failed])
  const kill = async (): Promise<void> => {
    launched.signalGroup('SIGKILL')
    await exited
  }
  return {
    near: launched.data,
    far,
    kill,
    async dispose() {
      launched.data.destroy()
      launched.control.destroy()
      await kill()
      launched.stdout.destroy()
      launched.stderr.destroy()
    },
  }
})

async function multiplexedPair(channel: number): Promise<ConnectedPair> {
  const [there, back] = [await socketPair('there'), await socketPair('back')]
  const listener = { message: () => {}, channelsOver: () => {}, over: () => {} }
  const near = new Multiplexer(back[0], there[0], 3, listener)
  const far = new Multiplexer(there[1], back[1], 3, listener)
  back[0].on('data', (chunk: Buffer) => near.read(chunk)).unref()
  there[1].on('data', (chunk: Buffer) => far.read(chunk)).unref()
  const end = new LaneEnd(far.channels[channel]!)
  return {
    near: near.channels[channel]!,
    far: end,
    kill: async () => far.over(undefined),
    async dispose() {
      near.over(undefined)
      far.over(undefined)
    },
  }
}

async function socketPair(name: string): Promise<[Socket, Socket]> {
  const path = join(tmpdir(), `${name}.sock`)
  const server = createServer().listen(path)
  await once(server, 'listening')
  const client = connect(path)
  const [[accepted]] = await Promise.all([
    once(server, 'connection') as Promise<[Socket]>,
    once(client, 'connect'),
  ])
  server.close()
  return [accepted, client]
}

/** The relay is the built one, what it starts is the fixture. */
function throughRelay(): LaunchedProcess {
  const child = resolve(import.meta.dirname, '../../dist/child/main.cjs')
  // A program in front of the relay that gives it the built child file, whatever the request names.
  const start = `exec "$0" "${child}" "$2"`
  return command(['/bin/sh', '-c', start]).launch({
    execPath: process.execPath,
    execArgv: [],
    entry: farLane,
    argv: [],
    cwd: tmpdir(),
    isCwdGiven: true,
    inheritEnv: ['PATH'],
    env: {},
  })
}

function remoteEnd({ control }: LaunchedProcess): FarEnd {
  const waiting = new Map<number, (answer: unknown) => void>()
  const target = Buffer.alloc(4096)
  let text = ''
  let lastId = 0
  control.start({
    target: () => target,
    received(byteLength) {
      text += target.toString('utf8', 0, byteLength)
      const lines = text.split('\n')
      text = lines.pop()!
      for (const line of lines) {
        const [id, answer] = JSON.parse(line) as [number, unknown]
        waiting.get(id)?.(answer)
      }
    },
    drained: () => {},
    closed: () => {},
  })
  const ask =
    (method: string) =>
    (...args: unknown[]): Promise<unknown> =>
      new Promise((settle) => {
        waiting.set(++lastId, settle)
        control.write([Buffer.from(`${JSON.stringify([lastId, method, ...args])}\n`)])
      })
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
