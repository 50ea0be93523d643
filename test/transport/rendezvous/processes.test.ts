import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { messageBytes } from '../../../src/transport/rendezvous/handshake.ts'
import { type ConnectOffer, offerBytes } from '../../../src/transport/rendezvous/offer.ts'
import { sweepStaleDirectories } from '../../../src/transport/rendezvous/stale-directories.ts'
import { bundleFixture } from '../../support/bundle-fixture.ts'
import { LaneEnd } from '../../support/far-end.ts'
import { useLeakCheck } from '../../support/leak-check.ts'
import { offerMeeting } from './meeting.ts'

const isRoot = process.geteuid?.() === 0
const hasSetpriv = spawnSync('setpriv', ['--version']).status === 0

let offering: string
let joining: string
beforeAll(async () => {
  offering = await bundleFixture('transport/offering-program.ts')
  joining = await bundleFixture('transport/joining-program.ts')
})

const ownFiles = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('maltster-'))

describe('a host that ends while it waits for its worker', () => {
  useLeakCheck()
  let host: ChildProcess | undefined

  afterEach(() => host?.kill('SIGKILL'))

  test.each(['by itself', 'exit', 'uncaught'])('leaves no file: %s', async (end) => {
    for (const network of ['uds', 'tcp']) {
      const { stdout, status } = spawnSync(process.execPath, [offering, network, end], { encoding: 'utf8' })
      expect(status).toBe(end === 'uncaught' ? 1 : 0)
      expect(JSON.parse(stdout)).toHaveProperty('address')
      expect(ownFiles()).toEqual([])
    }
  })

  test('killed, leaves a directory, which the next host removes', async () => {
    host = spawn(process.execPath, [offering, 'uds', 'wait'], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = (await once(host.stdout!, 'data')) as [Buffer]
    const { path } = (JSON.parse(line.toString()) as { address: { path: string } }).address
    sweepStaleDirectories(tmpdir())
    expect(existsSync(path)).toBe(true)
    host.kill('SIGKILL')
    await once(host, 'close')
    expect(existsSync(path)).toBe(true)
    spawnSync(process.execPath, [offering, 'uds', 'exit'])
    expect(existsSync(dirname(path))).toBe(false)
  })

  test('has its secret in no argument, environment or file', async () => {
    host = spawn(process.execPath, [offering, 'uds', 'wait'], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = (await once(host.stdout!, 'data')) as [Buffer]
    const { secret, address } = JSON.parse(line.toString()) as { secret: string; address: { path: string } }
    for (const file of ['cmdline', 'environ']) {
      expect(readFileSync(`/proc/${host.pid}/${file}`, 'utf8')).not.toContain(secret)
    }
    expect(readdirSync(dirname(address.path))).toEqual(['s'])
    host.kill('SIGTERM')
    await once(host, 'close')
    sweepStaleDirectories(tmpdir())
  })
})

describe('a worker in another process', () => {
  useLeakCheck()

  test.each(['uds', 'tcp'] as const)('connects over %s, and loads crypto only for that', async (network) => {
    const { rendezvous, offer } = await offerMeeting(network)
    const worker = spawn(process.execPath, [joining], { stdio: ['pipe', 'pipe', 'inherit'] })
    worker.stdin.end(offerBytes(offer))
    const near = new LaneEnd(rendezvous.lane)
    await near.send(8, 1)
    expect(JSON.parse(await text(worker.stdout))).toEqual({ before: false, after: true })
    expect(await near.hasClosed()).toMatchObject({ closedCount: 1, closedBy: null })
    await once(worker, 'close')
  })
})

describe.runIf(isRoot && hasSetpriv)('another user of this machine', () => {
  useLeakCheck()

  const program = `
    const socket = require('node:net').connect(JSON.parse(process.argv[1]))
    let received = 0
    socket.on('connect', () => socket.write(Buffer.alloc(4096)))
    socket.on('data', (bytes) => (received += bytes.length))
    socket.on('error', (error) => console.log(error.code))
    socket.on('close', () => console.log('received ' + received))`

  async function asNobody({ address }: ConnectOffer): Promise<string> {
    const user = ['--reuid=65534', '--regid=65534', '--clear-groups']
    const command = [...user, process.execPath, '-e', program, JSON.stringify(address)]
    const stranger = spawn('setpriv', command, { stdio: ['ignore', 'pipe', 'inherit'], cwd: '/' })
    const said = await text(stranger.stdout)
    if (stranger.exitCode === null) await once(stranger, 'close')
    return said
  }

  test("can't connect to the unix socket, though it can see where it is", async () => {
    chmodSync(tmpdir(), 0o755)
    const { rendezvous, offer, refusals } = await offerMeeting('uds')
    expect(await asNobody(offer)).toBe('EACCES\nreceived 0\n')
    expect(refusals).toEqual([])
    rendezvous.cancel()
  })

  test('gets a random number over tcp, and nothing else', async () => {
    const { rendezvous, offer, refusals } = await offerMeeting('tcp')
    const said = await asNobody(offer)
    const [, received] = /received (\d+)/.exec(said) ?? []
    expect(Number(received)).toBeLessThanOrEqual(messageBytes.greeting)
    expect(refusals).toEqual(['it gave a wrong proof'])
    rendezvous.cancel()
  })
})
