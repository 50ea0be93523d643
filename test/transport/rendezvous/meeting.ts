import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type Clock, systemClock } from '../../../src/transport/clock.ts'
import { systemRandom } from '../../../src/transport/random.ts'
import {
  answer,
  isProof,
  makeNonce,
  makeProof,
  messageBytes,
  readGreeting,
} from '../../../src/transport/rendezvous/handshake.ts'
import {
  offerRendezvous,
  type Rendezvous,
  type RendezvousOptions,
} from '../../../src/transport/rendezvous/host.ts'
import { type ConnectOffer, type Network, offerKey } from '../../../src/transport/rendezvous/offer.ts'

// Where the leak check looks, and not where the one who runs the tests has sockets.
delete process.env['XDG_RUNTIME_DIR']

/** A rendezvous that listens, and what it said. */
export interface Meeting {
  readonly rendezvous: Rendezvous
  readonly offer: ConnectOffer
  readonly refusals: string[]
}

export const identity = 'app/worker-1#3'

/** Offers a rendezvous and waits for the offer. */
export async function offerMeeting(
  network: Network,
  overrides: Partial<RendezvousOptions> = {},
): Promise<Meeting> {
  const refusals: string[] = []
  let rendezvous: Rendezvous | undefined
  const offer = await new Promise<ConnectOffer>((resolve) => {
    rendezvous = offerRendezvous({
      network,
      identity,
      clock: systemClock,
      random: systemRandom,
      onOffer: resolve,
      onRefused: (why) => void refusals.push(why),
      ...overrides,
    })
  })
  return { rendezvous: rendezvous!, offer, refusals }
}

/** A clock whose idle timers run when the test says so. */
export class ManualClock implements Clock {
  #nowMs = 0
  readonly #timers = new Map<object, { readonly atMs: number; readonly callback: () => void }>()

  nowMs(): number {
    return this.#nowMs
  }

  wallTimeMs(): number {
    return this.#nowMs
  }

  setTimeout(callback: () => void, delayMs: number): unknown {
    const timer = {}
    this.#timers.set(timer, { atMs: this.#nowMs + delayMs, callback })
    return timer
  }

  setIdleTimeout(callback: () => void, delayMs: number): unknown {
    return this.setTimeout(callback, delayMs)
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as object)
  }

  get pendingTimers(): number {
    return this.#timers.size
  }

  advance(byMs: number): void {
    this.#nowMs += byMs
    for (const [timer, { atMs, callback }] of this.#timers) {
      if (atMs > this.#nowMs) continue
      this.#timers.delete(timer)
      callback()
    }
  }
}

/** A hand-made peer: it collects what comes, and what it sends is up to the test. */
export class RawPeer {
  readonly socket: Socket
  received = Buffer.alloc(0)
  isClosed = false
  error: NodeJS.ErrnoException | undefined
  #wake: (() => void)[] = []

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (bytes: Buffer) => {
      this.received = Buffer.concat([this.received, bytes])
      this.#changed()
    })
    socket.on('error', (error) => (this.error = error))
    socket.on('close', () => {
      this.isClosed = true
      this.#changed()
    })
  }

  async has(byteLength: number): Promise<void> {
    await this.#until(() => this.received.length >= byteLength || this.isClosed)
    if (this.received.length < byteLength) throw new Error(`closed after ${this.received.length} bytes`)
  }

  async hasClosed(): Promise<void> {
    await this.#until(() => this.isClosed)
  }

  async #until(isMet: () => boolean): Promise<void> {
    while (!isMet()) await new Promise<void>((resolve) => this.#wake.push(resolve))
  }

  #changed(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }
}

/** Connects by hand. */
export async function dial({ address }: ConnectOffer): Promise<RawPeer> {
  const peer = new RawPeer('path' in address ? connect(address.path) : connect({ ...address, noDelay: true }))
  await once(peer.socket, 'connect')
  return peer
}

/** What a worker would answer to the greeting that has come, as far as the offer is right. */
export function workerAnswer(greeting: Buffer, offer: ConnectOffer): Buffer {
  const hostNonce = readGreeting(greeting.subarray(0, messageBytes.greeting))
  if (hostNonce === undefined) throw new Error('no greeting')
  const workerNonce = makeNonce()
  const topic = { role: 'worker', hostNonce, workerNonce, identity: offer.identity } as const
  return answer(workerNonce, makeProof(offerKey(offer), topic))
}

/** Whether what the host said to this answer proves that it knows the secret. */
export function isHostProof(received: Buffer, sent: Buffer, offer: ConnectOffer): boolean {
  const { greeting, proof } = messageBytes
  const hostNonce = readGreeting(received.subarray(0, greeting))
  if (hostNonce === undefined) throw new Error('no greeting')
  const topic = {
    role: 'host',
    hostNonce,
    workerNonce: sent.subarray(0, 32),
    identity: offer.identity,
  } as const
  return isProof(received.subarray(greeting, greeting + proof), offerKey(offer), topic)
}

/** The same offer with another secret. */
export function withSecret(
  offer: ConnectOffer,
  secret = Buffer.alloc(32, 7).toString('base64url'),
): ConnectOffer {
  return { network: offer.network, address: offer.address, identity: offer.identity, secret }
}
