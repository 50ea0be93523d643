import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { spawnWorker } from 'maltster'
import { kinds, RawLink } from './raw-link.mjs'

/**
 * @typedef {object} Calls - what every peer can be asked to do in its process
 * @property {(a: number, b: number) => Promise<number>} add
 * @property {(block: Uint8Array) => Promise<number>} take - answers its checksum
 * @property {(byteLength: number, mark: number) => Promise<Uint8Array>} give - answers a marked block
 */

/** @typedef {{ pid: number, calls?: Calls, close: () => Promise<unknown> }} Started */
/** @typedef {{ name: string, start: () => Promise<Started> }} Peer */

const file = (/** @type {string} */ name) => fileURLToPath(new URL(name, import.meta.url))

/**
 * Promises by number, for the peers that have to match answers to calls themselves.
 * @returns {{ settle: (id: number, value: any) => void, make: (send: (id: number) => void) => Promise<any> }}
 */
function pendingAnswers() {
  /** @type {Map<number, (value: any) => void>} */
  const pending = new Map()
  let lastId = 0
  return {
    settle(id, value) {
      const resolve = pending.get(id)
      pending.delete(id)
      resolve?.(value)
    },
    make(send) {
      return new Promise((resolve) => {
        const id = ++lastId
        pending.set(id, resolve)
        send(id)
      })
    },
  }
}

/** @param {import('node:child_process').ChildProcess} child */
async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

/** @type {Peer} */
const maltster = {
  name: 'maltster',
  async start() {
    // What is measured is how fast bytes move, not how many may wait.
    const worker = await spawnWorker({ name: 'bench', mailbox: { maxBytes: Infinity } })
    const add = (/** @type {number} */ a, /** @type {number} */ b) => a + b
    const take = (/** @type {Uint8Array} */ block) => {
      const { length } = block
      return length + (block[0] ?? 0) * 3 + (block[length >> 1] ?? 0) * 5 + (block[length - 1] ?? 0)
    }
    const give = (/** @type {number} */ byteLength, /** @type {number} */ mark) => {
      const kept = /** @type {{ benchBlock?: Uint8Array }} */ (globalThis)
      const block = (kept.benchBlock ??= new Uint8Array(byteLength).fill(7))
      block[0] = mark
      block[byteLength >> 1] = mark
      block[byteLength - 1] = 255 - mark
      return block
    }
    return {
      pid: worker.pid,
      calls: {
        add: (a, b) => worker.call(add, [a, b]),
        take: (block) => worker.call(take, [block]),
        give: (byteLength, mark) => worker.call(give, [byteLength, mark]),
      },
      async close() {
        worker.ref()
        worker.kill()
        await worker.exited
      },
    }
  },
}

/** @type {Peer} */
const forkAdvanced = {
  name: 'fork',
  async start() {
    const child = fork(file('fork-child.mjs'), { serialization: 'advanced', execArgv: [] })
    const { settle, make } = pendingAnswers()
    child.on('message', (/** @type {any} */ { id, value }) => settle(id, value))
    const call = (/** @type {string} */ kind, /** @type {unknown[]} */ ...args) =>
      make((id) => child.send({ id, kind, args }))
    return {
      pid: child.pid ?? 0,
      calls: {
        add: (a, b) => call('add', a, b),
        take: (block) => call('take', block),
        give: (byteLength, mark) => call('give', byteLength, mark),
      },
      close: () => end(child),
    }
  },
}

/** @type {Peer} */
const raw = {
  name: 'raw',
  async start() {
    const stdio = /** @type {const} */ (['ignore', 'inherit', 'inherit', 'pipe'])
    const child = spawn(process.execPath, [file('raw-child.mjs')], { stdio: [...stdio] })
    const { settle, make } = pendingAnswers()
    // The same private door as ours: only so can the host's end of a child's pipe be read in place.
    const shell = /** @type {any} */ (child.stdio[3])
    const handle = shell._handle
    shell._handle = null
    const link = new RawLink({ handle }, (id, kind, aux, body) => {
      if (kind === kinds.echo) settle(id, body.readInt32LE(0) + body.readInt32LE(4))
      else settle(id, kind === kinds.take ? aux : body)
    })
    const pair = Buffer.alloc(8)
    return {
      pid: child.pid ?? 0,
      calls: {
        add: (a, b) => {
          pair.writeInt32LE(a, 0)
          pair.writeInt32LE(b, 4)
          return make((id) => link.send(id, kinds.echo, 0, pair))
        },
        take: (block) => make((id) => link.send(id, kinds.take, 0, block)),
        give: (byteLength, mark) => make((id) => link.send(id, kinds.give, byteLength, Buffer.of(mark))),
      },
      async close() {
        link.destroy()
        await end(child)
      },
    }
  },
}

/** A process with nothing in it: what any child costs. @type {Peer} */
const bare = {
  name: 'bare',
  async start() {
    const source = 'process.stdout.write("."); setInterval(() => {}, 1e6)'
    const child = spawn(process.execPath, ['-e', source], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    return { pid: child.pid ?? 0, close: () => end(child) }
  },
}

/** Those that can be called; ours first. */
export const callingPeers = [maltster, forkAdvanced, raw]
export const allPeers = [...callingPeers, bare]
