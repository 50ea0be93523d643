import { spawn, spawnSync } from 'node:child_process'
import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { connect, type IpcNetConnectOpts, type TcpNetConnectOpts } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { inspect } from 'node:util'
import { type MaltsterEvent, observe, type Worker, WorkerDiedError, type WorkerOptions } from 'maltster'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { Incarnation } from '../../dist/actors/incarnation.js'
import { resolveOptions } from '../../dist/actors/resolve-options.js'
import { systemSeams } from '../../dist/actors/seams.js'
import { Worker as WorkerHandle } from '../../dist/actors/worker.js'
import { useLeakCheck } from '../support/leak-check.ts'
import { descendants, waitUntilGone } from '../support/processes.ts'
import { can, kind, optionsOfKind, rejection, until, whereItCan } from './workers.ts'

useLeakCheck()

const isRoot = process.geteuid?.() === 0
const hasSetpriv = spawnSync('setpriv', ['--version']).status === 0

/** What this boot drew, and what is made of it: the ready token, and the secret in the forms it could be seen in. */
class KnownRandom {
  readonly #drawn: string[] = []

  token(): string {
    const token = systemSeams.random.token()
    this.#drawn.push(token)
    return token
  }

  /** The secret of the socket. */
  get key(): Buffer {
    const key = createHash('sha256')
    for (const part of this.#drawn.slice(1)) key.update(part)
    return key.digest()
  }

  get secrets(): readonly string[] {
    const [ready = '', ...parts] = this.#drawn
    const ofSocket = (['base64url', 'base64', 'hex', 'latin1'] as const).map((form) =>
      this.key.toString(form),
    )
    return [ready, ...parts, ...(parts.length === 0 ? [] : ofSocket)]
  }
}

const lives: Incarnation[] = []
afterEach(async () => {
  for (const life of lives.splice(0)) {
    life.kill('SIGKILL')
    await life.exited
  }
})

/** Its constructor is hidden from those who use the package. */
const makeHandle = (life: Incarnation): Worker => Reflect.construct(WorkerHandle, [life]) as Worker

/** A worker of this run's kind whose secrets are known to the test, before it is ready. */
function spied(options: WorkerOptions = {}): { life: Incarnation; worker: Worker; random: KnownRandom } {
  const random = new KnownRandom()
  const resolved = resolveOptions(
    { stdout: 'ignore', stderr: 'ignore', ...optionsOfKind(), ...options },
    'spied',
  )
  const identity = { name: 'spied', path: 'spied', incarnation: 1 }
  const life = new Incarnation(resolved, identity, { ...systemSeams, random })
  lives.push(life)
  life.ready.catch(() => {})
  return { life, worker: makeHandle(life), random }
}

function expectNone(random: KnownRandom, where: string, words: string): void {
  expect(random.secrets.length).toBeGreaterThanOrEqual(can('network') ? 7 : 1)
  for (const secret of random.secrets) expect(words.includes(secret), where).toBe(false)
}

/** Arguments and environment of all processes there are, as far as they can be read. */
function allCommandLines(): string {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => ['cmdline', 'environ'].map((file) => contents(`/proc/${pid}/${file}`)))
    .join('\n')
}

function contents(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

function allFilesBelow(folder: string): string {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return (
    entries.map(({ name }) => name).join('\n') +
    files.map((file) => contents(join(file.parentPath, file.name))).join('\n')
  )
}

function inspected(value: unknown): string {
  return inspect(value, {
    showHidden: true,
    depth: 6,
    getters: true,
    maxArrayLength: 10_000,
    maxStringLength: null,
  })
}

whereItCan('network')('who knows what the test takes for the secret gets in: it is the secret', async () => {
  const { life, random } = spied()
  const place = await socketOf(life)
  const socket = connect(place)
  const [greeting] = (await once(socket, 'data')) as [Buffer]
  const nonces = [greeting.subarray(8, 40), Buffer.alloc(32, 1)]
  const proof = (role: string): Buffer =>
    createHmac('sha256', random.key).update(role).update(Buffer.concat(nonces)).update('spied#1').digest()
  socket.write(Buffer.concat([nonces[1]!, proof('worker')]))
  const [answer] = (await once(socket, 'data')) as [Buffer]
  expect(answer.subarray(0, 32).equals(proof('host'))).toBe(true)
  socket.destroy()
})

test('a secret is in no argument, environment or file, neither while it boots nor later', async () => {
  const { life, worker, random } = spied()
  expectNone(random, 'booting: command lines', allCommandLines())
  expectNone(random, 'booting: files', allFilesBelow(tmpdir()))
  await life.ready
  expectNone(random, 'command lines', allCommandLines())
  expectNone(random, 'files', allFilesBelow(tmpdir()))
  const own = await worker.call(() => JSON.stringify([process.argv, process.execArgv, process.env]))
  expectNone(random, 'what the worker says of itself', own)
})

test('a secret is in no event, no output, no warning and no error', async () => {
  const said: string[] = []
  const hear = (words: string): void => void said.push(words)
  const warn = (warning: Error): void => hear(String(warning))
  process.on('warning', warn)
  onTestFinished(() => void process.off('warning', warn))
  const events: MaltsterEvent[] = []
  using _watching = observe((event) => events.push(event))
  const { life, worker, random } = spied({
    stdout: hear,
    stderr: hear,
    env: { NODE_DEBUG: 'net,stream,tls' },
  })
  await life.ready
  const failed = await rejection(
    worker.call(() => Promise.reject(new Error('fails'))),
    Error,
  )
  const dies = rejection(
    worker.call(() => process.abort()),
    WorkerDiedError,
  )
  const reason = await worker.exited
  const errors = [
    failed,
    await dies,
    await rejection(
      worker.call(() => 1),
      Error,
    ),
    reason,
  ]
  expect(events.length).toBeGreaterThan(5)
  for (const event of events)
    expectNone(random, `event ${event.type}`, inspected(event) + JSON.stringify(event))
  for (const error of errors) expectNone(random, 'error', inspected(error) + JSON.stringify(error))
  expectNone(random, 'output', said.join('\n'))
})

test('a secret is in nothing that can be seen of a worker from outside, by whatever means of `inspect`', async () => {
  const { life, worker, random } = spied()
  for (const state of ['booting', 'idle']) {
    if (state === 'idle') await life.ready
    const words = [
      inspected(worker),
      JSON.stringify(worker),
      String(worker),
      inspected(worker.actor),
      inspected(worker.actor.getSnapshot()),
      JSON.stringify(worker.actor.getSnapshot()),
      inspected(Object.getOwnPropertyDescriptors(worker)),
    ]
    for (const one of words) expectNone(random, state, one ?? '')
  }
  expectNone(random, 'stats', JSON.stringify(await worker.stats()))
})

test('a secret is in nothing that the code in the worker finds in its globals or modules', async () => {
  const { life, worker, random } = spied()
  await life.ready
  const seen = await worker.call(async () => {
    const { inspect: show } = await import('node:util')
    const options = { showHidden: true, depth: 8, maxArrayLength: 1000 }
    const runtime = Object.getOwnPropertySymbols(globalThis).map(
      (key) => Reflect.get(globalThis, key) as unknown,
    )
    return [show(globalThis, options), show(runtime, options), show(process.memoryUsage(), options)].join(
      '\n',
    )
  })
  // The ready token is the worker's own affair once it has been said; the secret of the socket is not.
  for (const secret of random.secrets.slice(1)) expect(seen.includes(secret)).toBe(false)
})

/** Runs a program of Node's as somebody else; what it prints. */
async function asNobody(program: string, ...args: string[]): Promise<string> {
  const user = ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, '-e', program, ...args]
  const stranger = spawn('setpriv', user, { stdio: ['ignore', 'pipe', 'inherit'], cwd: '/' })
  const said = await text(stranger.stdout)
  if (stranger.exitCode === null) await once(stranger, 'close')
  return said
}

/** What another user can read of a process. Descriptors are counted as what is behind them is opened. */
const snoop = `
  const fs = require('node:fs')
  const found = []
  const attempt = (what, look) => {
    try {
      look()
      found.push(what)
    } catch {}
  }
  for (const pid of process.argv.slice(1)) {
    const at = '/proc/' + pid
    attempt('environ', () => fs.readFileSync(at + '/environ'))
    attempt('mem', () => fs.openSync(at + '/mem', 'r'))
    attempt('maps', () => fs.readFileSync(at + '/maps'))
    attempt('fd', () => fs.readdirSync(at + '/fd'))
    attempt('cwd', () => fs.readdirSync(at + '/cwd'))
    for (let fd = 0; fd < 64; fd++) attempt('fd ' + fd, () => fs.openSync(at + '/fd/' + fd, 'r'))
    attempt('signal', () => process.kill(Number(pid), 0))
  }
  console.log(JSON.stringify(found))`

describe.runIf(isRoot && hasSetpriv)('another user of this machine', () => {
  test('can read nothing of the processes: no descriptor, no memory, no environment', async () => {
    const { life } = spied()
    await life.ready
    const pids = [process.pid, ...descendants(process.pid).map(({ pid }) => pid)]
    expect(pids.length).toBeGreaterThan(1)
    // A process that has just begun to be somebody's may be gone: what counts is that nothing was found.
    expect(JSON.parse(await asNobody(snoop, ...pids.map(String)))).toEqual([])
  })

  whereItCan('network')(
    'gets nothing at the socket of a worker that boots, and does not keep it from booting',
    async () => {
      // The default is private already: here it is let in as far as the system's own temporary directory would.
      chmodSync(tmpdir(), 0o755)
      const { life, random } = spied()
      const place = await socketOf(life)
      const said = await asNobody(knock, JSON.stringify(place))
      expectNone(random, 'what a stranger gets', said)
      if (kind === 'uds')
        expect(said).toBe('["list EACCES","unlink EACCES","write EACCES","connect EACCES"]\n')
      if (kind === 'tcp') expect(said).toMatch(/^(\["connect ECONNREFUSED"\]|\["received \d+"\])\n$/)
      const [, received = '0'] = /received (\d+)/.exec(said) ?? []
      expect(Number(received)).toBeLessThanOrEqual(40)
      process.kill(life.process.pid!, 'SIGCONT')
      await life.ready
    },
  )
})

const knock = `
  const fs = require('node:fs')
  const { dirname, join } = require('node:path')
  const place = JSON.parse(process.argv[1])
  const said = []
  const attempt = (what, act) => {
    try {
      act()
      said.push(what)
    } catch (error) {
      said.push(what + ' ' + error.code)
    }
  }
  if (place.path !== undefined) {
    attempt('list', () => fs.readdirSync(dirname(place.path)))
    attempt('unlink', () => fs.unlinkSync(place.path))
    attempt('write', () => fs.writeFileSync(join(dirname(place.path), 'mine'), ''))
  }
  let received = 0
  const socket = require('node:net').connect(place)
  socket.on('connect', () => socket.write(Buffer.alloc(4096, 7)))
  socket.on('data', (bytes) => (received += bytes.length))
  socket.on('error', (error) => said.push('connect ' + error.code))
  socket.on('close', () => {
    if (received > 0) said.push('received ' + received)
    console.log(JSON.stringify(said))
  })`

/** Where a worker of this kind will come to; it is held up on its way, so that others can be there first. */
async function socketOf(life: Incarnation): Promise<TcpNetConnectOpts | IpcNetConnectOpts> {
  process.kill(life.process.pid!, 'SIGSTOP')
  if (can('file')) {
    const [name] = readdirSync(tmpdir()).filter((one) => one.startsWith('maltster-'))
    const path = join(tmpdir(), name!, 's')
    await until('it listens', () => readdirSync(dirname(path)).length > 0)
    return { path }
  }
  await until('it listens', () => listeningPort() !== undefined)
  return { host: '127.0.0.1', port: listeningPort()! }
}

/** The port on which this process listens, by what the system knows of its descriptors. */
function listeningPort(): number | undefined {
  const own = new Set(
    readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1] ?? []
      } catch {
        return []
      }
    }),
  )
  const lines = contents('/proc/self/net/tcp').split('\n').slice(1)
  const fields = lines.map((line) => line.trim().split(/\s+/))
  const found = fields.find((field) => field[3] === '0A' && own.has(field[9] ?? ''))
  return found === undefined ? undefined : Number.parseInt(found[1]!.split(':')[1]!, 16)
}

test('once the two have met nothing listens, and a stranger is refused by the system', async () => {
  const { life } = spied()
  await life.ready
  expect(listeningPort()).toBe(undefined)
  expect(readdirSync(tmpdir()).filter((name) => name.startsWith('maltster-'))).toEqual([])
  const { pid } = life.process
  life.kill('SIGKILL')
  await waitUntilGone(pid!)
})
